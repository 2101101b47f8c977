"""Charts: drawn by a process of their own, and part of the message by an edit, after its text."""

import importlib.util
from pathlib import Path

import pytest

from alerts.charts import NoChart, drawn
from tests.conftest import unavailable
from tests.integration.slack.desk import slack_desk, until

PNG = b"\x89PNG"
DOCUMENT = {
    "title": "spread",
    "points": [[1_767_268_800.0 + 20 * n, None if n == 4 else float(n)] for n in range(45)],
    "threshold": 15.0,
    "fired_at": 1_767_269_400.0,
}


@pytest.fixture(autouse=True)
def _matplotlib() -> None:
    """Charts are an extra."""
    if importlib.util.find_spec("matplotlib") is None:
        unavailable("charts are drawn with matplotlib: install deskwatch[charts]")


async def test_a_series_with_a_hole_becomes_a_picture() -> None:
    """A null is a hole, not a zero."""
    assert (await drawn(DOCUMENT)).startswith(PNG)


async def test_a_series_that_cannot_be_drawn_is_an_error_that_says_why() -> None:
    """And the process is gone."""
    with pytest.raises(NoChart, match="KeyError"):
        await drawn({"points": []})


async def test_the_chart_is_added_to_a_message_that_is_there_already(tmp_path: Path) -> None:
    """Text first; then one edit shows the picture, and says nothing in the thread."""
    async with slack_desk(tmp_path) as desk:
        desk.breaching.add("BookStale")
        await until(lambda: len(desk.messages()) == 1)
        await until(lambda: "slack_file" in str(desk.messages()[0].attachments))
        [file] = desk.workspace.files.files.values()
        assert file.content.startswith(PNG)
        assert desk.lines() == []
        assert len(desk.messages()) == 1
