"""Where the server stopped reading, told in the text that the person wrote."""

import pytest

from storage.reader import position_in


@pytest.mark.parametrize(
    ("sql", "sent", "at"),
    [
        ("SELECT x FROM t", "SELECT x FROM t", "x"),
        ("WHERE ts <= %(now)s AND x > 5", "WHERE ts <= $1 AND x > 5", "x"),
        ("WHERE ts > %(start)s AND ts <= %(now)s AND x > 5", "WHERE ts > $1 AND ts <= $2 AND x > 5", "x"),
        ("WHERE ts > %(now)s AND ts <= %(now)s AND x > 5", "WHERE ts > $1 AND ts <= $1 AND x > 5", "x"),
        ("WHERE a %% 2 = 0 AND x > %(now)s", "WHERE a % 2 = 0 AND x > $1", "x"),
        ("WHERE x > %(now)s", "WHERE x > $1", "x"),
        ("x > %(now)s", "x > $1", "x"),
    ],
)
def test_a_position_behind_parameters_is_moved(sql: str, sent: str, at: str) -> None:
    """On the wire a parameter is shorter than in the text, and so is a doubled percent sign."""
    assert position_in(sql, sent.index(at) + 1) == sql.index(at) + 1


def test_a_parameter_itself_has_its_own_position() -> None:
    """The server may object to the value: then the place is where its name begins."""
    assert position_in("WHERE ts > %(now)s", "WHERE ts > $1".index("$1") + 1) == "WHERE ts > %(now)s".index("%") + 1
