"""One L2 book: images and deltas in, a verdict out. It is LIVE only while every delta proved that it follows."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from connectors.base import checksum
from connectors.base.contract import BookDelta, BookImage, BookRules, ChecksumRule, LinkRule, WireLevels
from core.events import Levels
from core.types import Nanos, StreamState

BUFFER_LIMIT = 5_000
"""Deltas that wait for an image at most; an image that old cannot be joined anyway."""


class Verdict(StrEnum):
    """What became of a delta or an image."""

    APPLIED = "applied"
    BUFFERED = "buffered"
    OLD = "old"
    JOINED = "joined"
    TOO_OLD = "too_old"
    GAP = "gap"
    BAD_CHECKSUM = "bad_checksum"


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain broke: how many updates are missing (None where the ids cannot tell)."""

    verdict: Verdict
    missing: int | None = None


Outcome: TypeAlias = Verdict | Broken


OLD: Final = -1
"""A delta that says what the book already holds."""


def _spot(delta: BookDelta, last: int, _: bool) -> int | None:  # noqa: FBT001  one signature for all rules
    if delta.last <= last:
        return OLD
    return delta.first - last - 1 if delta.first > last + 1 else None


def _futures(delta: BookDelta, last: int, joined: bool) -> int | None:  # noqa: FBT001  as above
    if delta.previous == last:
        return None
    if delta.last < last or (joined and delta.last == last):
        return OLD
    return None if not joined and delta.first <= last else 0


def _previous(delta: BookDelta, last: int, _: bool) -> int | None:  # noqa: FBT001  as above
    if delta.previous is None or delta.previous == last:
        return None  # None: recordings from before the venue had sequence ids
    # The same message again; an idle book repeats its id too, but then it claims to follow itself.
    return OLD if delta.last == last and delta.previous < last else 0


_LINKS: dict[LinkRule, Callable[[BookDelta, int, bool], int | None]] = {
    LinkRule.BINANCE_SPOT: _spot,
    LinkRule.BINANCE_FUTURES: _futures,
    LinkRule.PREVIOUS_ID: _previous,
}
"""(delta, last id, whether a delta was applied since the image) -> None if it follows, OLD, or how many updates are
missing, 0 for unknown."""


class Side:
    """One side: sizes by price, the prices in order, and `price:size` as written where the venue's hash needs that."""

    __slots__ = ("_bids", "prices", "sizes", "texts")

    def __init__(self, *, bids: bool) -> None:
        self._bids = bids
        self.sizes: dict[float, float] = {}
        self.prices: list[float] = []
        self.texts: dict[float, str] = {}

    def replace(self, levels: WireLevels) -> None:
        """Forget everything and take these levels."""
        self.sizes = dict(levels)
        if 0.0 in self.sizes.values():
            self.sizes = {at: size for at, size in levels if size}
        self.prices = sorted(self.sizes)
        self.texts = {}

    def change(self, levels: WireLevels) -> None:
        """Set absolute sizes; zero removes, also a level that is not there (normal on some venues)."""
        sizes, prices = self.sizes, self.prices
        for at, size in levels:
            if size:
                if at not in sizes:
                    insort(prices, at)
                sizes[at] = size
            elif sizes.pop(at, None) is not None:
                del prices[bisect_left(prices, at)]

    def write(self, levels: WireLevels, texts: Sequence[str]) -> None:
        """Note how the venue wrote these levels."""
        written = self.texts
        for (at, size), text in zip(levels, texts, strict=True):
            if size:
                written[at] = text
            else:
                _ = written.pop(at, None)

    @property
    def best(self) -> float | None:
        """The best price, None while the side is empty."""
        if not self.prices:
            return None
        return self.prices[-1] if self._bids else self.prices[0]

    def top(self, count: int) -> list[float]:
        """Return the best prices, best first."""
        return self.prices[: -count - 1 : -1] if self._bids else self.prices[:count]

    def levels(self, count: int) -> Levels:
        """Return prices and sizes, best first."""
        top = self.top(count)
        return top, list(map(self.sizes.__getitem__, top))

    def hashed(self, count: int) -> list[str]:
        """Return `price:size` of the best levels as the venue wrote them, "" where it did not say."""
        texts = self.texts
        return [texts.get(at, "") for at in self.top(count)]


class Book:
    """A book and the proof that it is whole. Pure: no clock; times come with the messages."""

    def __init__(self, rules: BookRules) -> None:
        self.state = StreamState.SYNCING
        self.bids = Side(bids=True)
        self.asks = Side(bids=False)
        self.last = 0
        self.ts: Nanos = 0
        self.received: Nanos = 0
        self.checksums_ok = 0
        self.links_checked = 0
        self._rules = rules
        self._missing = _LINKS[rules.link]
        self._always_linked = rules.link is not LinkRule.PREVIOUS_ID
        self._hashable = False
        self._joined = False
        self._waiting: deque[BookDelta] = deque(maxlen=BUFFER_LIMIT)

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""
        bids, asks = self.bids.prices, self.asks.prices
        return bool(bids and asks) and bids[-1] >= asks[0]

    def image(self, image: BookImage) -> Outcome:
        """Take a whole book and the deltas that waited for it. TOO_OLD: fetch a newer one."""
        if self._rules.snapshot_path is None:
            self._waiting.clear()  # the image came on the stream itself: what waits is older
        elif self._leaves_a_hole(image):
            return Verdict.TOO_OLD
        self.bids.replace(image.bids)
        self.asks.replace(image.asks)
        self.last, self.ts, self.received = image.last, image.ts, image.received
        self._joined = False
        self.state = StreamState.LIVE
        waiting, self._waiting = self._waiting, deque(maxlen=BUFFER_LIMIT)
        self._hashable = self._rules.checksum is not ChecksumRule.NONE
        if self._hashable and not self._hash_holds(image):
            return self._break(Broken(Verdict.BAD_CHECKSUM))
        while waiting:
            outcome = self.delta(waiting.popleft())
            if isinstance(outcome, Broken):
                self._waiting.extend(waiting)
                return outcome
        return Verdict.JOINED

    def _leaves_a_hole(self, image: BookImage) -> bool:
        """Say whether something lies between the image and the first delta that is newer than it."""
        links = (self._missing(one, image.last, False) for one in self._waiting)  # noqa: FBT003  not joined yet
        return next((link for link in links if link is not OLD), None) is not None

    def delta(self, delta: BookDelta) -> Outcome:
        """Apply a delta if it follows; before an image it waits."""
        if self.state is not StreamState.LIVE:
            self._waiting.append(delta)
            return Verdict.BUFFERED
        missing = self._missing(delta, self.last, self._joined)
        if missing is OLD:
            return Verdict.OLD
        self.links_checked += self._always_linked or delta.previous is not None
        if missing is not None:
            outcome = self._break(Broken(Verdict.GAP, missing or None))
            self._waiting.append(delta)
            return outcome
        self._joined = True
        self.bids.change(delta.bids)
        self.asks.change(delta.asks)
        self.last, self.ts, self.received = delta.last, delta.ts, delta.received
        if self._hashable and not self._hash_holds(delta):
            return self._break(Broken(Verdict.BAD_CHECKSUM))
        return Verdict.APPLIED

    def _hash_holds(self, said: BookImage | BookDelta) -> bool:
        """Take the texts of a message and compare the book with its checksum, if it has one."""
        if said.texts is None:
            self._hashable = False  # until the next image: a hash is made of what the venue wrote
            return True
        self.bids.write(said.bids, said.texts.bids)
        self.asks.write(said.asks, said.texts.asks)
        if said.checksum is None:
            return True
        count = checksum.depth(self._rules.checksum)
        holds = checksum.okx(self.bids.hashed(count), self.asks.hashed(count)) == said.checksum
        self.checksums_ok += holds
        return holds

    def _break(self, outcome: Broken) -> Broken:
        self.reset()
        self.state = StreamState.BROKEN
        return outcome

    def reset(self) -> None:
        """Forget everything: the next image starts afresh."""
        self.state = StreamState.SYNCING
        self._joined = False
        self._waiting.clear()
        self.bids.replace(())
        self.asks.replace(())
