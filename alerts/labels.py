"""Label sets: what makes an alert this alert. Matchers over them are those of the rules."""

import hashlib
from collections.abc import Mapping

from alerts.model import Labels
from rules.matcher import BadMatcher, Matcher, Operator, all_match, read_matcher

__all__ = ["BadMatcher", "Matcher", "Operator", "all_match", "final_labels", "fingerprint", "read_matcher"]


def final_labels(*layers: Mapping[str, str]) -> Labels:
    """Return the labels of an alert: later layers override, empty values mean the label is absent."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update(layer)
    return {name: merged[name] for name in sorted(merged) if merged[name] != ""}


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 16 hex digits that stand for a label set."""
    text = "\x00".join(f"{name}\x01{labels[name]}" for name in sorted(labels))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
