"""One L2 book: images and deltas in, a verdict out. It is LIVE only while every delta proved that it follows."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from connectors.base import checksum
from connectors.base.contract import BookDelta, BookImage, BookRules, ChecksumRule, LinkRule, Texts, WireLevels
from core.events import Levels
from core.types import Nanos, StreamState

BUFFER_LIMIT = 5_000
"""Deltas that wait for an image at most; an image that old cannot be joined anyway."""


_NO_TEXTS = Texts((), ())


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


class Side:
    """One side: sizes by price, and the prices in order."""

    __slots__ = ("_bids", "prices", "sizes", "texts")

    def __init__(self, *, bids: bool, keep_text: bool) -> None:
        self._bids = bids
        self.sizes: dict[float, float] = {}
        self.prices: list[float] = []
        self.texts: dict[float, str] | None = {} if keep_text else None

    def replace(self, levels: WireLevels, texts: Sequence[str] | None = None) -> None:
        """Forget everything and take these levels."""
        self.sizes = {at: size for at, size in levels if size}
        self.prices = sorted(self.sizes)
        if self.texts is not None:
            self.texts = {level[0]: text for level, text in zip(levels, texts or (), strict=False) if level[1]}

    def change(self, levels: WireLevels, texts: Sequence[str] | None = None) -> None:
        """Set absolute sizes; zero removes, also a level that is not there (normal on some venues)."""
        sizes, prices = self.sizes, self.prices
        for at, size in levels:
            if size:
                if at not in sizes:
                    insort(prices, at)
                sizes[at] = size
            elif sizes.pop(at, None) is not None:
                del prices[bisect_left(prices, at)]
        if self.texts is not None:
            for (at, size), text in zip(levels, texts or (), strict=False):
                if size:
                    self.texts[at] = text
                else:
                    self.texts.pop(at, None)

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
        return top, [self.sizes[at] for at in top]

    def hashed(self, count: int) -> list[str]:
        """Return `price:size` of the best levels as the venue wrote them, "" where it did not say."""
        texts = self.texts or {}
        return [texts.get(at, "") for at in self.top(count)]


class Book:
    """A book and the proof that it is whole. Pure: no clock; times come with the messages."""

    def __init__(self, rules: BookRules) -> None:
        keep_text = rules.checksum is not ChecksumRule.NONE
        self.state = StreamState.SYNCING
        self.bids = Side(bids=True, keep_text=keep_text)
        self.asks = Side(bids=False, keep_text=keep_text)
        self.last = 0
        self.ts: Nanos = 0
        self.received: Nanos = 0
        self.checksums_ok = 0
        self.links_checked = 0
        self._rules = rules
        self._joined = False
        self._waiting: deque[BookDelta] = deque(maxlen=BUFFER_LIMIT)

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid >= ask

    def image(self, image: BookImage) -> Outcome:
        """Take a whole book and the deltas that waited for it. TOO_OLD: fetch a newer one."""
        if self._rules.snapshot_path is None:
            self._waiting.clear()  # the image came on the stream itself: what waits is older
        elif self._leaves_a_hole(image):
            return Verdict.TOO_OLD
        texts = image.texts or _NO_TEXTS
        self.bids.replace(image.bids, texts.bids)
        self.asks.replace(image.asks, texts.asks)
        self.last, self.ts, self.received = image.last, image.ts, image.received
        self._joined = False
        self.state = StreamState.LIVE
        waiting, self._waiting = self._waiting, deque(maxlen=BUFFER_LIMIT)
        if not self._hash_holds(image.checksum):
            return self._break(Broken(Verdict.BAD_CHECKSUM))
        while waiting:
            outcome = self.delta(waiting.popleft())
            if isinstance(outcome, Broken):
                self._waiting.extend(waiting)
                return outcome
        return Verdict.JOINED

    def _leaves_a_hole(self, image: BookImage) -> bool:
        """Say whether something lies between the image and the first delta that is newer than it."""
        first = next((one for one in self._waiting if not self._is_old(one, image.last, joined=False)), None)
        return first is not None and self._missing(first, image.last, joined=False) is not None

    def delta(self, delta: BookDelta) -> Outcome:
        """Apply a delta if it follows; before an image it waits."""
        if self.state is not StreamState.LIVE:
            self._waiting.append(delta)
            return Verdict.BUFFERED
        if self._is_old(delta, self.last, joined=self._joined):
            return Verdict.OLD
        missing = self._missing(delta, self.last, joined=self._joined)
        if missing is not None:
            outcome = self._break(Broken(Verdict.GAP, missing or None))
            self._waiting.append(delta)
            return outcome
        self._joined = True
        texts = delta.texts or _NO_TEXTS
        self.bids.change(delta.bids, texts.bids)
        self.asks.change(delta.asks, texts.asks)
        self.last, self.ts, self.received = delta.last, delta.ts, delta.received
        if not self._hash_holds(delta.checksum):
            return self._break(Broken(Verdict.BAD_CHECKSUM))
        return Verdict.APPLIED

    def _is_old(self, delta: BookDelta, last: int, *, joined: bool) -> bool:
        """Say whether the book already holds what this delta says."""
        match self._rules.link:
            case LinkRule.BINANCE_SPOT:
                return delta.last <= last
            case LinkRule.BINANCE_FUTURES:
                return delta.last < last or (joined and delta.last == last)
            case LinkRule.PREVIOUS_ID:
                # The same message again; an idle book repeats its id too, but then it claims to follow itself.
                return delta.previous is not None and delta.last == last and delta.previous < last

    def _missing(self, delta: BookDelta, last: int, *, joined: bool) -> int | None:
        """Return None if the delta follows `last`; else how many updates are missing, 0 for unknown."""
        match self._rules.link:
            case LinkRule.BINANCE_SPOT:
                self.links_checked += 1
                return delta.first - last - 1 if delta.first > last + 1 else None
            case LinkRule.BINANCE_FUTURES if not joined:
                self.links_checked += 1
                return None if delta.first <= last <= delta.last or delta.previous == last else 0
            case LinkRule.BINANCE_FUTURES:
                self.links_checked += 1
                return None if delta.previous == last else 0
            case LinkRule.PREVIOUS_ID:
                if delta.previous is None:
                    return None  # recordings from before the venue had sequence ids
                self.links_checked += 1
                return None if delta.previous == last else 0

    def _hash_holds(self, expected: int | None) -> bool:
        if expected is None or self._rules.checksum is ChecksumRule.NONE:
            return True
        count = checksum.depth(self._rules.checksum)
        holds = checksum.okx(self.bids.hashed(count), self.asks.hashed(count)) == expected
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
