"""Errors that decide: `Transient` is tried again, `Permanent` calls a person. The docstring is the message."""

import inspect


class DeskError(Exception):
    """Something went wrong."""

    def __init__(self, detail: str = "", *, hint: str = "") -> None:
        """Build the text from the class's docstring, what happened, and what to do about it."""
        self.detail = detail
        self.hint = hint
        headline = (inspect.getdoc(type(self)) or "").splitlines()[0].rstrip(".")
        text = f"{headline}: {detail}" if detail else headline
        super().__init__(f"{text}. {hint}" if hint else text)


class Transient(DeskError):
    """It may work later."""

    def __init__(self, detail: str = "", *, hint: str = "", after: float | None = None) -> None:
        """Carry the wait that the other side asked for, in seconds."""
        super().__init__(detail, hint=hint)
        self.after = after


class Permanent(DeskError):
    """It will not work until somebody changes something."""


class BadMessage(Permanent):
    """A venue's message cannot be understood."""


class UsageError(Permanent):
    """The command or its configuration is wrong."""


class TaskEnded(Permanent):
    """A task that must run for ever has ended."""
