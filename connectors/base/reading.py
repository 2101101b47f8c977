"""Reading what venues send: what a decoder may raise, text for a log, and lists of which one row may be bad."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from core.errors import BadMessage
from core.log import get_logger

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError)
"""What a hostile frame can make the decoder raise; a DecodeError covers a wrong type too."""

log = get_logger(__name__)


def words(frame: bytes) -> str:
    """Return the beginning of a frame as text that can be logged, whatever its bytes are."""
    return frame[:300].decode(errors="replace")


def each(rows: Sequence[msgspec.Raw], read: Callable[[msgspec.Raw], T | None]) -> Iterator[T]:
    """Yield what `read` makes of each row; a bad row is reported and costs nothing but itself."""
    for row in rows:
        try:
            made = read(row)
        except (*UNREADABLE, BadMessage, ValueError) as error:
            log.warning("row.bad", error=str(error)[:200], row=words(bytes(row)))
        else:
            if made is not None:
                yield made
