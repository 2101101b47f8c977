"""Raw frames to JSON objects, one or more a frame: what `deskwatch decode` prints."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from connectors.base.contract import (
    Acknowledged,
    BookDelta,
    BookImage,
    Control,
    Ignored,
    Names,
    Unknown,
    WireLevels,
)
from connectors.base.reading import words
from connectors.binance.account import parse_account as binance_account
from connectors.registry import dialect
from core.clock import Clock, SystemClock
from core.errors import BadMessage
from core.types import Nanos, VenueName

Parser = Callable[[bytes, Nanos], Sequence[msgspec.Struct]]


def decode_frames(venue: str, lines: Iterable[bytes], clock: Clock | None = None) -> Iterator[dict[str, object]]:
    """Yield what each line means: `type` is an event's name, `ignored` or `unknown`, these two with a `reason`.

    A change of a book and a whole one are both of type `book`; `part` says which.

    Raises:
        UnknownVenue: before anything is read.
    """
    parsers = _parsers(dialect(venue).venue)
    ticking = clock or SystemClock()
    for line in lines:
        frame = line.strip()
        if frame:
            yield from _decode(frame, ticking.now(), parsers)


def _parsers(venue: VenueName) -> list[Parser]:
    names = Names()
    public: Parser = lambda frame, at: dialect(venue).parse(frame, at, names)  # noqa: E731  one expression, typed
    private: dict[VenueName, Parser] = {
        "binance": lambda frame, at: binance_account(frame, at, names, "account"),
    }
    return [public, private[venue]] if venue in private else [public]


def _decode(frame: bytes, received: Nanos, parsers: Sequence[Parser]) -> list[dict[str, object]]:
    reasons: list[str] = []
    for parse in parsers:
        try:
            meanings = parse(frame, received)
        except BadMessage as error:
            reasons.append(error.detail)
            continue
        if not any(isinstance(one, Unknown) for one in meanings):
            return [_plain(one) for one in meanings] or [{"type": "ignored", "reason": "it holds no data"}]
    reason = "; ".join(reasons) or "no message of this venue is like it"
    return [{"type": "unknown", "reason": reason, "frame": words(frame)}]


def _plain(meaning: msgspec.Struct) -> dict[str, object]:
    match meaning:
        case Ignored(reason):
            return {"type": "ignored", "reason": reason}
        case Control(notice, text):
            return {"type": "ignored", "reason": notice.value, "text": text}
        case Acknowledged(ok, request, stream, reason):
            answer = "acknowledged" if ok else f"refused: {reason}"
            return {"type": "ignored", "reason": answer, "request": request, "stream": stream and stream.native}
        case BookImage(native, ts, received, last, bids, asks):
            return _book("image", native, ts, received) | {"last": last} | _sides(bids, asks)
        case BookDelta(native, ts, received, first, last, previous, bids, asks):
            ids = {"first": first, "last": last, "previous": previous}
            return _book("delta", native, ts, received) | ids | _sides(bids, asks)
        case _:
            return _event(meaning)


def _event(meaning: msgspec.Struct) -> dict[str, object]:
    values: dict[str, object] = msgspec.to_builtins(meaning, str_keys=True, enc_hook=str)
    tag = values.pop("event", None)
    if tag is None:  # for the account's own shell: the end of its stream, the movement of a balance
        return values | {"type": "ignored", "reason": _snake(type(meaning).__name__)}
    order_type = {"order_type": values.pop("type")} if "type" in values else {}
    return {"type": tag} | order_type | values


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _book(part: str, native: str, ts: Nanos, received: Nanos) -> dict[str, object]:
    return {"type": "book", "part": part, "symbol": native, "ts": ts, "received": received}


def _sides(bids: WireLevels, asks: WireLevels) -> dict[str, object]:
    """Return prices and sizes of each side, as a `Book` event has them."""
    return {
        name: ([level[0] for level in side], [level[1] for level in side])
        for name, side in (("bids", bids), ("asks", asks))
    }
