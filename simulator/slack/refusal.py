"""How the workspace says no."""

from collections.abc import Sequence


class Refusal(Exception):
    """An answer with `ok: false`, or another HTTP status."""

    def __init__(
        self, code: str, messages: Sequence[str] = (), *, status: int = 200, retry_after: int = 0, **extra: str
    ) -> None:
        """Take Slack's code, the texts with JSON pointers, and what else stands in the body."""
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.status = status
        self.retry_after = retry_after
        self.extra = extra

    def body(self) -> dict[str, object]:
        """Return the body as Slack shapes it."""
        body: dict[str, object] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {text}" for text in self.messages]}
        return body
