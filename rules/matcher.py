"""Matchers over labels: Prometheus' four operators, anchored."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.errors import UsageError


class BadMatcher(UsageError):
    """A matcher cannot be read."""


class Operator(StrEnum):
    """How a label is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison. A missing label equals the empty text; regular expressions match the whole value."""

    name: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f'{self.name} {self.operator} "{self.value}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it."""
        value = labels.get(self.name, "")
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.NOT_EQUAL:
                return value != self.value
            case Operator.MATCHES:
                return re.fullmatch(self.value, value) is not None
            case Operator.NOT_MATCHES:
                return re.fullmatch(self.value, value) is None


_FORM = re.compile(r"""\s*(?P<name>[\w.:-]+|"[^"]+")\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>"[^"]*"|[^"]*?)\s*""")


def read_matcher(text: str) -> Matcher:
    """Read `name = "value"`; the quotes may be left out.

    Raises:
        BadMatcher: with what is wrong and how it should look.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise BadMatcher(repr(text), hint='Write it as severity = "page", or venue =~ "okx|binance"')
    matcher = Matcher(found["name"].strip('"'), Operator(found["operator"]), found["value"].strip('"'))
    if matcher.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        try:
            _ = re.compile(matcher.value)
        except re.error as error:
            raise BadMatcher(f"{text!r}: {error}", hint="Mend the regular expression") from error
    return matcher


def all_match(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher is satisfied; none is always satisfied."""
    return all(one.matches(labels) for one in matchers)
