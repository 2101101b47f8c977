"""Settings: where they come from, who has the last word, and what a mistake is told."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deskwatch.settings import BadConfiguration, explain, load
from deskwatch.sources import BadVariable


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Leave the environment as it was."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small configuration file."""
    file = tmp_path / "deskwatch.toml"
    file.write_text('data = "from-file"\n[slack]\ntoken = "xoxb-file"\n[venues.okx]\nsymbols = ["BTC-USDT"]\n')
    return file


def test_the_environment_beats_a_secret_file_beats_the_toml_file(config: Path, tmp_path: Path) -> None:
    """Nearest to the start of the process wins."""
    secret = tmp_path / "token"
    secret.write_text("xoxb-secret-file\n")
    assert load(config).slack.token.get_secret_value() == "xoxb-file"  # type: ignore[union-attr]  # it is set
    os.environ["DESKWATCH_SLACK__TOKEN_FILE"] = str(secret)
    assert load(config).slack.token.get_secret_value() == "xoxb-secret-file"  # type: ignore[union-attr]  # it is set
    os.environ["DESKWATCH_SLACK__TOKEN"] = "xoxb-environment"
    assert load(config).slack.token.get_secret_value() == "xoxb-environment"  # type: ignore[union-attr]  # it is set


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[venues.okx]\nsymbol = ['BTC-USDT']\n", "did you mean 'symbols'?"),
        ("dta = 'x'\n", "did you mean 'data'?"),
        ("[alerts]\ngroup_wait = 'soon'\n", "alerts.group_wait"),
        ("[venues.okx]\nchannels = ['book']\n", "venues.okx.channels"),
        ("data = \n", "deskwatch.toml"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    """A typing error is never a silent default."""
    file = tmp_path / "deskwatch.toml"
    file.write_text(text)
    with pytest.raises(BadConfiguration) as error:
        _ = load(file)
    assert told in str(error.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Nobody wants to mend a file one start at a time."""
    file = tmp_path / "deskwatch.toml"
    file.write_text("dta = 'x'\n[status]\nport = 'high'\n")
    with pytest.raises(BadConfiguration) as error:
        _ = load(file)
    assert "dta" in str(error.value)
    assert "status.port" in str(error.value)


def test_a_variable_that_names_nothing_is_refused() -> None:
    """DESKWATCH_VENUE__OKX__… would otherwise do nothing, silently."""
    os.environ["DESKWATCH_VENUE__OKX__ENABLED"] = "true"
    with pytest.raises(BadVariable, match="DESKWATCH_VENUES"):
        _ = load(None)


def test_a_missing_file_is_told() -> None:
    """A path given on the command line must exist."""
    with pytest.raises(BadConfiguration, match="does not exist"):
        _ = load(Path("nowhere.toml"))


def test_config_show_hides_secrets_and_names_origins(config: Path) -> None:
    """What is printed can be pasted into a ticket."""
    os.environ["DESKWATCH_STATUS__PORT"] = "0"
    rows = {str(row["setting"]): row for row in explain(load(config), config)}
    assert "xoxb" not in str(rows)
    assert rows["slack.token"]["origin"] == str(config)
    assert rows["status.port"]["origin"] == "environment"
    assert rows["oms.overlap"]["origin"] == "default"
