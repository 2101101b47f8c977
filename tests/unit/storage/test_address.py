"""Where the database is, and its passwords, in files that only their owner reads."""

from pathlib import Path

import pytest

from storage.address import Address, NoDatabase, credentials, find, save

HERE = Address("127.0.0.1", 9000, 8812, "deskwatch", "secret-w", "reader", "secret-r")


def test_passwords_are_made_once_and_private(tmp_path: Path) -> None:
    """The second start finds those of the first, in a file of mode 600."""
    file = tmp_path / "data" / "credentials.json"
    made = credentials(file)
    assert credentials(file) == made
    assert made.password != made.reader_password
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_address_is_found_where_it_was_left(tmp_path: Path) -> None:
    """Private too, since it holds the passwords."""
    file = tmp_path / "address.json"
    save(file, HERE)
    assert find(file) == HERE
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_server_the_text_says_what_to_start(tmp_path: Path) -> None:
    """Nothing was left there."""
    with pytest.raises(NoDatabase, match="deskwatch run"):
        find(tmp_path / "address.json")


def test_no_password_shows_in_a_log() -> None:
    """An address may stand in a message."""
    assert "secret" not in repr(HERE)
    assert "secret" not in f"{HERE}"
