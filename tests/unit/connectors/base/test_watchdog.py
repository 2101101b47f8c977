"""A stream is judged by its own rhythm."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base.watchdog import MEMORY, SilenceWatchdog
from core.types import SECOND, Nanos


def taught(*gaps: float) -> tuple[SilenceWatchdog[str], Nanos]:
    """Return a watchdog that heard one stream with these gaps, and the time it last spoke."""
    dog: SilenceWatchdog[str] = SilenceWatchdog()
    now = 1_000 * SECOND
    dog.heard("a", now)
    for gap in gaps:
        now += round(gap * SECOND)
        dog.heard("a", now)
    return dog, now


@pytest.mark.parametrize(
    ("gaps", "quiet_until"),
    [
        ([0.1] * 5, 3.0),
        ([0.9] * 50, 3.0),
        ([2.0] * 5, 6.0),
        ([0.1] * 50 + [10.0], 30.0),
        ([0.1] * 150 + [10.0], 3.0),
        ([0.1] * 150 + [10.0, 7.0], 21.0),
        ([20.0] * 5, 60.0),
    ],
    ids=["fast", "just-fast", "slow", "p99-of-51-is-the-longest", "one-in-151-is-beyond", "two-in-152", "option"],
)
def test_a_stream_may_be_quiet_for_three_times_its_p99(gaps: list[float], quiet_until: float) -> None:
    """The limit is max(3 s, 3 x p99), to the 2 % that a gap is kept with."""
    dog, last = taught(*gaps)
    assert dog.silent(last + round(quiet_until * SECOND)) == []
    late = last + round(quiet_until * 1.03 * SECOND)
    assert dog.silent(late) == [("a", (late - last) / SECOND)]
    assert dog.limit("a") == pytest.approx(quiet_until, rel=0.021)


def test_there_is_no_verdict_before_five_gaps() -> None:
    """Four gaps are not a rhythm."""
    dog, last = taught(0.1, 0.1, 0.1, 0.1)
    assert dog.silent(last + 3600 * SECOND) == []
    assert dog.limit("a") is None
    dog.heard("a", last + 1)
    assert dog.silent(last + 3600 * SECOND) != []


def test_only_the_mute_stream_is_named() -> None:
    """Its siblings on the same connection go on."""
    dog, last = taught(*[0.1] * 10)
    for step in range(60):
        dog.heard("b", last + step * SECOND // 10)
    assert [key for key, _ in dog.silent(last + 6 * SECOND)] == ["a"]


def test_a_new_subscription_keeps_the_rhythm_but_not_the_outage() -> None:
    """The time that we were away says nothing about the stream."""
    dog, last = taught(*[0.1] * 10)
    back = last + 600 * SECOND
    dog.restart("a", back)
    assert dog.silent(back + 2 * SECOND) == []
    assert [key for key, _ in dog.silent(back + 4 * SECOND)] == ["a"]
    assert dog.limit("a") == 3.0


def test_a_forgotten_stream_is_never_named() -> None:
    """A delisted symbol is not silent, it is gone."""
    dog, last = taught(*[0.1] * 10)
    dog.forget("a")
    dog.forget("never heard of")
    dog.restart("a", last)
    assert dog.silent(last + 3600 * SECOND) == []


def test_a_clock_that_steps_back_is_no_gap() -> None:
    """A time server may move the wall clock."""
    dog, last = taught(*[0.1] * 10)
    dog.heard("a", last - 3600 * SECOND)
    assert dog.limit("a") == 3.0


def test_a_stream_may_change_its_habits() -> None:
    """Old gaps fade: a stream that was slow for an hour is judged as a fast one after a day of speed."""
    dog, last = taught(*[30.0] * 120, *[0.1] * 100)
    assert (dog.limit("a") or 0) > 60
    for _ in range(3 * MEMORY):
        last += SECOND // 10
        dog.heard("a", last)
    assert dog.limit("a") == 3.0


def recorded(file: Path) -> Iterator[tuple[str, Nanos]]:
    """Yield (stream, receipt time) of every data message of a capture."""
    for line in file.read_text().splitlines():
        match = re.match(r"(\d+\.\d+): (\{.*)", line)
        if match is None:
            continue
        message = json.loads(match[2])
        where = message.get("stream") or message.get("arg") or message.get("params", {}).get("channel")
        if where and "event" not in message:
            yield str(where), round(float(match[1]) * SECOND)


@pytest.mark.captures
@pytest.mark.parametrize("name", ["BINANCE", "BINANCE_FUTURES", "OKX", "DERIBIT"])
def test_recorded_traffic_raises_no_alarm(captures: Path, name: str) -> None:
    """Every stream of every capture, asked before each message and four times a second."""
    dog: SilenceWatchdog[str] = SilenceWatchdog()
    asked = heard = 0
    for stream, received in recorded(captures / f"{name}.ws.1.0"):
        asked = asked or received
        while asked < received:
            assert dog.silent(asked) == []
            asked += SECOND // 4
        assert dog.silent(received) == []
        dog.heard(stream, received)
        heard += 1
    assert heard > 100
