"""Draws a rule's value over time: JSON on stdin, PNG on stdout. Run as a process, so that it can be ended.

    python -m alerts.chart < series.json > chart.png

The document: `title`, `points` [[epoch seconds, value or null], …], `threshold` or null, `fired_at` epoch seconds.
"""

import io
import json
import math
import sys
from datetime import UTC, datetime
from typing import Any

INK, LINE, ALARM, GRID = "#1b2326", "#1d6f7d", "#a30200", "#dfe5e7"
SIZE = (7.2, 2.6)
DOTS = 150
TICK_S = 300


def draw(given: dict[str, Any]) -> bytes:
    """Return the PNG of a document."""
    from matplotlib.figure import Figure  # noqa: PLC0415  heavy and optional: only this process needs it

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    moments = [float(at) for at, _ in given["points"]]
    # A hole stays a hole: the line breaks where there was no value.
    values = [math.nan if value is None else value for _, value in given["points"]]
    axes.plot(moments, values, color=LINE, linewidth=1.6, marker=".", markersize=3.5)
    if given["threshold"] is not None:
        axes.axhline(given["threshold"], color=ALARM, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{given['threshold']:g}",
            (1, given["threshold"]),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=ALARM,
            fontsize=8,
            va="center",
        )
    axes.axvspan(given["fired_at"], moments[-1], color=ALARM, alpha=0.09, linewidth=0)
    axes.set_title(given["title"], loc="left", fontsize=9.5, color=INK)
    ticks = [at for at in range(int(moments[0]), int(moments[-1]) + 1) if at % TICK_S == 0]
    axes.set_xticks(ticks, [f"{datetime.fromtimestamp(at, tz=UTC):%H:%M}" for at in ticks])
    axes.set_xlabel("UTC", fontsize=7.5, color="#5d6a70", loc="right")
    axes.tick_params(labelsize=8, colors="#5d6a70", length=0)
    axes.grid(color=GRID, linewidth=0.7)
    axes.margins(x=0)
    for side in axes.spines.values():
        side.set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DOTS)
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
