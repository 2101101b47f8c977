"""Kill -9 between any two steps. Source: DESIGN.md section 10, loss; alert-semantics.md 1.14, 2.11 and 4.5."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A real process on a real file, killed before and after each transaction, message and flush, and started again."""
    command = [sys.executable, "-m", "tests.integration.alerts.desk", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=55, check=True)
    report = json.loads(done.stdout)
    assert report["points"] > 50
    assert len(report["expected"]["posts"]) == 2
    assert set(report["expected"]["posts"].values()) == {1}
    assert all(text.startswith("resolved") for text in report["expected"]["shown"].values())
    assert report["differing"] == {}
