"""What is wrong in a rule file, where, and what to do: shown like a compiler does."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.errors import UsageError


class Level(StrEnum):
    """How bad it is: a rule with an error does not run, one with a warning does."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. Line and column count from 1; `source` is that line."""

    file: Path
    line: int
    column: int
    message: str
    hint: str
    source: str
    level: Level = Level.ERROR

    @property
    def is_error(self) -> bool:
        """Whether the rule cannot run so."""
        return self.level is Level.ERROR

    def show(self) -> str:
        """Return the message with its place, the line, and a caret."""
        place = f"{self.file}:{self.line}:{self.column}"
        lines = [f"{place}: {'' if self.is_error else 'warning: '}{self.message}"]
        if self.source.strip():
            # Tabs keep their width under the caret.
            lead = "".join("\t" if letter == "\t" else " " for letter in self.source[: self.column - 1])
            lines += [f"    {self.source}", f"    {lead}^"]
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """Return JSON-able values."""
        return {
            "level": self.level,
            "file": str(self.file),
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }


class BadRules(UsageError):
    """The rules are wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep every problem; the text shows them all."""
        self.problems = tuple(problems)
        super().__init__("\n" + "\n".join(one.show() for one in self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" or the list of what is known."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {str(near[0])!r}?"
    return f"known: {', '.join(known)}" if known else ""
