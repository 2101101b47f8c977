"""`deskwatch drill` against a running desk: the real path to the confirmation. Source: DESIGN.md section 8."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.test_operate import desk, deskwatch, status_of

pytestmark = pytest.mark.timeout(120)


async def test_a_drill_fires_resolves_and_is_confirmed(tmp_path: Path) -> None:
    """One marked message, edited to its end; a receiver that hears nothing of it is wrong usage."""
    async with desk(tmp_path) as (_, config, _world, slack):
        await status_of(config, "feeds")
        code, out, err = await deskwatch("drill", "-c", str(config), "-o", "json")
        assert code == 0, err
        steps = json.loads(out)
        assert [(one["status"], one["confirmed"]) for one in steps] == [("firing", True), ("resolved", True)]
        [message] = [one for one in slack.messages("alerts") if "DRILL" in one.text]
        assert message.text.startswith("*[RESOLVED")
        assert "nothing is wrong" in message.text
        code, _, err = await deskwatch("drill", "--receiver", "nobody", "--timeout", "3", "-c", str(config))
        assert code == 2
        assert "It reached default" in err
