"""An error's text is built from its class, what happened, and what to do."""

import pytest

from core.errors import DeskError, Permanent, Transient, UsageError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Transient(), "It may work later"),
        (UsageError("no such file"), "The command or its configuration is wrong: no such file"),
        (
            UsageError("no such file", hint="Name another"),
            "The command or its configuration is wrong: no such file. Name another",
        ),
        (Permanent(hint="Call somebody"), "It will not work until somebody changes something. Call somebody"),
    ],
)
def test_the_text_says_what_happened_and_what_to_do(error: DeskError, text: str) -> None:
    """The first line of the docstring, the detail, the hint."""
    assert str(error) == text


def test_a_transient_error_carries_the_wait_that_was_asked_for() -> None:
    """A venue's Retry-After reaches whoever tries again."""
    assert Transient(after=2.5).after == 2.5
