"""Random timelines with people in them. Source: alert-semantics.md 4.5, properties 3 and 7.

A restart at any step changes no message, whatever somebody acknowledged, silenced or resolved; and what is not told has
a reason.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from alerts.inhibit import Inhibition
from alerts.intervals import Interval, read_times
from alerts.labels import read_matcher
from alerts.silence import BadSilence, Window
from tests.unit.alerts.timeline import Timeline, at, group_of, route, routing, rule

SERIES = "abc"
ACTIONS = ("acknowledge", "unacknowledge", "resolve", "silence", "unsilence", "silence a", "expire")


@dataclass(frozen=True)
class Script:
    """Which series breach at each second, what somebody does then, how long silences last, and the group's times."""

    rows: Sequence[tuple[frozenset[str], str]]
    silent: int
    wait: float
    interval: int
    repeat: int
    inhibit: bool
    mute: bool


scripts = st.builds(
    Script,
    rows=st.lists(
        st.tuples(st.frozensets(st.sampled_from(SERIES)), st.sampled_from(("", "", *ACTIONS))), min_size=1, max_size=30
    ),
    silent=st.integers(1, 12),
    wait=st.sampled_from([0, 2]),
    interval=st.integers(1, 4),
    repeat=st.integers(3, 20),
    inhibit=st.booleans(),
    mute=st.booleans(),
)
restarts = st.frozensets(st.integers(0, 30))


async def act(line: Timeline, what: str, second: int, silent: int) -> None:
    """Do something about the newest incident, or about series a."""
    now, actions = at(second + 0.5), line.actions
    incident = line.told[-1].incident if line.told else "none"
    match what:
        case "acknowledge" | "unacknowledge" | "resolve" | "unsilence":
            await getattr(actions, what)(incident, "ada", now)
        case "silence":
            await actions.silence(incident, at(second + silent), "ada", "why", now)
        case "silence a":
            await actions.add_silence([read_matcher("series=a")], Window(at(second + silent)), "ada", "why", now)
        case "expire":
            for one in actions.silences():
                await actions.expire(one.id, "ada", now)
        case _:
            return


async def play(script: Script, restart_at: frozenset[int]) -> Timeline:
    """Run a script."""
    rule_ = rule()
    root = route(wait=script.wait, interval=script.interval, repeat=script.repeat)
    route_ = replace(root, mute_times=("minute",)) if script.mute else root
    inhibition = Inhibition((read_matcher("series=b"),), (read_matcher("series=c"),))
    times = {"minute": (Interval((read_times("00:00-00:01"),)),)}
    chosen = replace(routing(route_), inhibitions=(inhibition,) if script.inhibit else (), time_intervals=times)
    line = Timeline(group_of(rule_), chosen)
    for number, (breaching, what) in enumerate(script.rows):
        second = number + 50  # the mute time ends within the script
        line.evaluate(second, {"Up": dict.fromkeys(sorted(breaching), 1.0)})
        line.flush(second + 0.25)
        try:
            await act(line, what, second, script.silent)
        except BadSilence:
            assert script.silent <= 1
        if number in restart_at:
            line.restart(second + 0.5)
        line.flush(second + 0.75)
    return line


@given(scripts, restarts)
def test_a_restart_at_any_step_changes_no_message(script: Script, restart_at: frozenset[int]) -> None:
    """Acknowledgements, silences and what was closed by hand are all stored."""
    undisturbed = asyncio.run(play(script, frozenset()))
    restarted = asyncio.run(play(script, restart_at))
    assert restarted.told == undisturbed.told
    assert restarted.holds() == undisturbed.holds()


@given(scripts)
def test_what_fires_is_told_or_has_a_reason(script: Script) -> None:
    """Each alert that ever fired is in a message, or in a row that says why not."""
    line = asyncio.run(play(script, frozenset()))
    told = {one.fingerprint for message in line.told for one in message.alerts}
    rows = [row.values for one in line.steps for row in one.events]
    held = {row["fingerprint"] for row in rows if row["event"] == "hold"}
    fired = {row["fingerprint"] for row in rows if row["event"] == "transition" and row["to_state"] == "firing"}
    assert fired <= told | held


@given(scripts)
def test_a_message_never_fires_again_after_its_end(script: Script) -> None:
    """An incident that is over is not opened again; its versions count up by one."""
    line = asyncio.run(play(script, frozenset()))
    for name in {one.incident for one in line.told}:
        states = [one.state for one in line.told if one.incident == name]
        assert "resolved" not in states[:-1]
        assert [one.version for one in line.told if one.incident == name] == list(range(1, len(states) + 1))
