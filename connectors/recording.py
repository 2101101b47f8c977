"""Recorded traffic on disk, read into memory; bytes as they came.

Format (one record a line): `URL <-> TS` a connection, `URL <- TS: MSG` ours, `TS: MSG` the venue's; in `PREFIX.http.*`
and `PREFIX.0`: `URL -> TS: BODY`. TS is in seconds since the epoch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from connectors.base.contract import Dialect
from core.errors import BadMessage, UsageError
from core.events import Instrument
from core.types import Nanos

_FRAME = re.compile(rb"(\d{1,12}(?:\.\d+)?): (.*)")
_ANSWER = re.compile(rb"(\S+) -> (\d{1,12}(?:\.\d+)?): (.*)")
_OURS = re.compile(rb"\S+ (?:<->|<-) ")
_DECIMALS = 9


class NoRecording(UsageError):
    """There is no recording."""


class BadRecording(UsageError):
    """A recording cannot be read."""


class Recorded(NamedTuple):
    """One record: when, the address it came from (of REST answers), and what was said."""

    at: Nanos
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, in the order of its times."""

    frames: Sequence[Recorded]
    answers: Sequence[Recorded]
    instruments: Sequence[Instrument]


def read(venue: Dialect, prefix: Path) -> Recording:
    """Read `PREFIX.ws.*`, `PREFIX.http.*` and `PREFIX.0`.

    Raises:
        NoRecording: there are no frames.
        BadRecording: a line is no record, or a file cannot be read.
    """
    frames = [one for file in _files(prefix, "ws") for one in _frames(file)]
    if not frames:
        raise NoRecording(f"{prefix}.ws.*", hint="PREFIX is the path without its endings, such as captures/OKX")
    answers = [one for file in _files(prefix, "http") for one in _answers(file)]
    lists = prefix.with_name(prefix.name + ".0")
    instruments = [
        instrument for one in (_answers(lists) if lists.is_file() else ()) for instrument in _instruments(venue, one)
    ]
    return Recording(sorted(frames, key=lambda one: one.at), sorted(answers, key=lambda one: one.at), instruments)


def _files(prefix: Path, kind: str) -> list[Path]:
    return sorted(prefix.parent.glob(f"{prefix.name}.{kind}.*")) if prefix.name else []


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadRecording(f"{file}: {error.strerror}", hint="Check the path and its mode") from error
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield number, line


def _frames(file: Path) -> Iterator[Recorded]:
    for number, line in _lines(file):
        found = _FRAME.fullmatch(line)
        if found is not None:
            yield Recorded(_nanos(found[1]), "", found[2])
        elif not _OURS.match(line):
            raise BadRecording(f"{file}:{number}", hint="A line is `TS: MSG`, `URL <- TS: MSG` or `URL <-> TS`")


def _answers(file: Path) -> Iterator[Recorded]:
    for number, line in _lines(file):
        found = _ANSWER.fullmatch(line)
        if found is not None:
            yield Recorded(_nanos(found[2]), found[1].decode(errors="replace"), found[3])
        elif b" -> " in line[:2000]:
            raise BadRecording(f"{file}:{number}", hint="A line is `URL -> TS: BODY`")


def _nanos(text: bytes) -> Nanos:
    """Return seconds with any number of decimals in ns, exactly: a float would lose some 200 ns."""
    whole, _, decimals = text.partition(b".")
    return int(whole + decimals[:_DECIMALS].ljust(_DECIMALS, b"0"))


def _instruments(venue: Dialect, answer: Recorded) -> Sequence[Instrument]:
    try:
        return venue.parse_instruments(answer.body, answer.at)
    except BadMessage:
        return ()  # PREFIX.0 holds other answers too
