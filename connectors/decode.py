"""Raw frames to JSON objects, one or more a frame: what `deskwatch decode` prints."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from connectors.base.contract import Acknowledged, Control, Ignored, Names, Unknown
from connectors.binance.account import parse_account as binance_account
from connectors.registry import dialect
from core.clock import Clock, SystemClock
from core.errors import BadMessage
from core.types import Nanos, VenueName

Parser = Callable[[bytes, Nanos], Sequence[msgspec.Struct]]


def decode_frames(venue: str, lines: Iterable[bytes], clock: Clock | None = None) -> Iterator[dict[str, object]]:
    """Yield what each line means: `type` is an event's name, `ignored` (with `reason`), `unknown` or `bad`.

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
    failures: list[str] = []
    unknown: list[dict[str, object]] = []
    for parse in parsers:
        try:
            meanings = parse(frame, received)
        except BadMessage as error:
            failures.append(error.detail)
            continue
        if any(isinstance(one, Unknown) for one in meanings):
            unknown = [_plain(one) for one in meanings]
            continue
        return [_plain(one) for one in meanings]
    return unknown or [{"type": "bad", "error": "; ".join(failures), "frame": frame[:200].decode(errors="replace")}]


_TYPES: dict[type, str] = {Acknowledged: "acknowledged", Control: "control", Ignored: "ignored", Unknown: "unknown"}


def _plain(meaning: msgspec.Struct) -> dict[str, object]:
    values: dict[str, object] = msgspec.to_builtins(meaning, str_keys=True, enc_hook=str)
    tag = values.pop("event", None)
    name = tag or _TYPES.get(type(meaning)) or _snake(type(meaning).__name__)
    order_type = {"order_type": values.pop("type")} if "type" in values else {}
    return {"type": name} | order_type | values


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
