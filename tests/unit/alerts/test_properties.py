"""Random timelines. Source: alert-semantics.md 4.5, properties 1, 2, 3 and 5.

The model below is written from the tables of 1.4, 2.5 and 2.6, not from the code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts.timeline import Timeline, group_of, route, routing, rule

SERIES = "abc"


@dataclass(frozen=True)
class Script:
    """Delays in seconds, which series breach at each second, and when the group is looked at."""

    hold: int
    keep: int
    wait: float
    interval: int
    repeat: int
    rows: Sequence[frozenset[str]]


scripts = st.builds(
    Script,
    hold=st.integers(0, 4),
    keep=st.integers(0, 3),
    wait=st.sampled_from([0, 0.5, 2, 3]),
    interval=st.integers(1, 5),
    repeat=st.integers(3, 30),
    rows=st.lists(st.frozensets(st.sampled_from(SERIES)), min_size=1, max_size=40),
)


@dataclass
class Life:
    """One series in the model: since when it breaches, fires, is absent; how many episodes it had."""

    since: int | None = None
    firing: bool = False
    absent: int | None = None
    episode: int = 0

    def step(self, now: int, *, breach: bool, hold: int, keep: int) -> str:
        """Return what happens at a second: fired, ended or nothing."""
        if breach:
            if self.since is None:
                self.since, self.episode = now, self.episode + 1
            self.absent = None
            fires = not self.firing and now - self.since >= hold
            self.firing = self.firing or fires
            return "fired" if fires else ""
        if not self.firing:
            self.since = None
            return ""
        self.absent = now if self.absent is None else self.absent
        if keep and now - self.absent < keep:
            return ""
        self.since, self.firing, self.absent = None, False, None
        return "ended"


@dataclass
class Model:
    """The expected messages: (time, status, firing, over)."""

    script: Script
    lives: dict[str, Life] = field(default_factory=lambda: {name: Life() for name in SERIES})
    over: dict[str, int] = field(default_factory=dict)
    due: float | None = None
    told: tuple[frozenset[tuple[str, int]], frozenset[tuple[str, int]], float] | None = None
    messages: list[tuple[float, str, frozenset[str], frozenset[str]]] = field(default_factory=list)

    def second(self, now: int, breaching: frozenset[str]) -> None:
        """Evaluate, and flush if the group was opened without a wait."""
        news = False
        for name, life in self.lives.items():
            what = life.step(now, breach=name in breaching, hold=self.script.hold, keep=self.script.keep)
            news = news or bool(what)
            if what == "fired":
                self.over.pop(name, None)
                self.due = now + self.script.wait if self.due is None else self.due
            elif what == "ended" and self.due is not None:
                self.over[name] = life.episode
        if news:
            self.flush(now)

    def flush(self, now: float) -> None:
        """Tell what the receiver does not know, if it is time."""
        if self.due is None or self.due > now:
            return
        at, self.due = self.due, self.due + self.script.interval
        firing = frozenset((name, life.episode) for name, life in self.lives.items() if life.firing)
        over = frozenset(self.over.items())
        if self.news(firing, over, at):
            status = "firing" if firing else "resolved"
            self.messages.append((at, status, frozenset(n for n, _ in firing), frozenset(self.over)))
            self.told = (firing, over, at)
        if self.told is None:
            self.over.clear()
        if not firing:
            self.due, self.told = None, None
            self.over.clear()

    def news(self, firing: frozenset[tuple[str, int]], over: frozenset[tuple[str, int]], at: float) -> bool:
        """Say whether there is anything to tell."""
        if self.told is None:
            return bool(firing)
        known, known_over, when = self.told
        return not firing or bool(firing - known) or bool(over - known_over) or when < at - self.script.repeat


def shown(line: Timeline) -> list[tuple[float, str, frozenset[str], frozenset[str]]]:
    """Return the messages of a timeline as the model writes them."""
    found = []
    for at, status, _, alerts in line.messages():
        firing = frozenset(one[0] for one in alerts if one.endswith("firing"))
        over = frozenset(one[0] for one in alerts if one.endswith("resolved"))
        found.append((at or 0.0, status, firing, over))
    return found


def play(script: Script, *, restart_at: frozenset[tuple[int, int]] = frozenset()) -> Timeline:
    """Run a script; `restart_at` are (second, quarter) after which a new board goes on from what was stored."""
    group = group_of(rule(hold=script.hold, keep=script.keep))
    line = Timeline(group, routing(route(wait=script.wait, interval=script.interval, repeat=script.repeat)))
    for second, breaching in enumerate(script.rows):
        line.evaluate(second, {"Up": dict.fromkeys(sorted(breaching), 1.0)})
        for quarter in range(4):
            line.flush(second + quarter / 4)
            if (second, quarter) in restart_at:
                # Started again just before the next slot: what it evaluates first must not run ahead of its ticks.
                line.restart(second + 0.999 if quarter == 3 else second + quarter / 4)
    return line


@given(scripts)
def test_the_messages_are_the_models(script: Script) -> None:
    """Property 1: engine and router equal a small model of the tables, message for message."""
    model = Model(script)
    for second, breaching in enumerate(script.rows):
        model.second(second, breaching)
        for quarter in range(4):
            model.flush(second + quarter / 4)
    assert shown(play(script)) == model.messages


@given(scripts, st.frozensets(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=6))
def test_a_restart_changes_no_message(script: Script, restart_at: frozenset[tuple[int, int]]) -> None:
    """Property 3: whatever is stored is enough to go on as if nothing had happened."""
    undisturbed, restarted = play(script), play(script, restart_at=restart_at)
    assert restarted.told == undisturbed.told
    assert restarted.transitions() == undisturbed.transitions()


@given(scripts)
def test_nothing_ends_that_did_not_fire(script: Script) -> None:
    """Property 2: per incident a firing message first, one end at most, and nothing after it."""
    incidents: dict[str, list[str]] = {}
    for one in play(script).told:
        incidents.setdefault(one.incident, []).append(one.status)
    for statuses in incidents.values():
        assert statuses[0] == "firing"
        assert "resolved" not in statuses[:-1]


@given(scripts, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(script: Script, rng: Random) -> None:
    """Property 5: rows of a result are a set."""
    line = play(script)
    shuffled = Timeline(line.group, line.routing)
    for second, breaching in enumerate(script.rows):
        names = sorted(breaching)
        rng.shuffle(names)
        shuffled.evaluate(second, {"Up": dict.fromkeys(names, 1.0)})
        for quarter in range(4):
            shuffled.flush(second + quarter / 4)
    assert [(one.at, one.status, one.version) for one in shuffled.told] == [
        (one.at, one.status, one.version) for one in line.told
    ]
