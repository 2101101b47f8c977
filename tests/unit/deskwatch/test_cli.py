"""The command line as a stranger uses it: exit codes, quick help, JSON alone on stdout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("polars", "aiohttp", "pydantic_settings", "psycopg", "slack_sdk", "apscheduler", "questdb", "websockets")


def deskwatch(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, "-m", "deskwatch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=50)


def test_help_imports_nothing_heavy() -> None:
    """`--help` is what a person tries first: it must be there at once."""
    code = "import sys, deskwatch.cli; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert [name for name in HEAVY if f"'{name}'" in loaded] == []


def test_help_lists_the_commands() -> None:
    """Every command of the contract is found from the top."""
    shown = deskwatch("--help")
    assert shown.returncode == 0
    for command in (
        "demo",
        "run",
        "replay",
        "decode",
        "doctor",
        "status",
        "config",
        "rules",
        "export",
        "sql",
        "rejects",
    ):
        assert command in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("frobnicate",), "No such command"),
        (("replay", "--venue", "okxx", "x"), "Did you mean okx?"),
        (("replay", "--venue", "okx", "no/such/recording"), "PREFIX"),
        (("replay", "--venue", "okx", "x", "--drop", "one"), "not a list of frame numbers"),
        (("run", "-c", "nowhere.toml"), "does not exist"),
    ],
)
def test_wrong_usage_ends_with_two_and_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """2 is for usage and configuration; stdout stays empty for the program that reads it."""
    ended = deskwatch(*arguments, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_status_without_a_service_says_how_to_start_one(tmp_path: Path) -> None:
    """1, not a traceback."""
    file = tmp_path / "deskwatch.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\n[status]\nport = 1\n')
    ended = deskwatch("status", "-c", str(file))
    assert ended.returncode == 1
    assert "deskwatch run" in ended.stderr


def test_config_show_is_json_alone(tmp_path: Path) -> None:
    """Logs and messages never mix into stdout."""
    ended = deskwatch("config", "show", "-o", "json", cwd=tmp_path)
    assert ended.returncode == 0
    settings = {row["setting"]: row["value"] for row in json.loads(ended.stdout)}
    assert settings["data"] == "data"
