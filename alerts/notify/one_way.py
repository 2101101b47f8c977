"""What a receiver answers that only takes messages: there is no thread, nothing to look for and nothing to add."""

from alerts.notify.base import Extras, Payload, Reference


class OneWay:
    """The part of `Notifier` that a webhook has not."""

    def dress(self, payload: Payload, extras: Extras) -> Payload:
        del extras  # there is no message to lead to, and no way to send a picture
        return payload

    async def reply(self, reference: Reference, text: str, *, key: str = "", broadcast: bool = False) -> None:
        del reference, text, key, broadcast  # the message itself tells everything

    async def replied(self, reference: Reference, key: str) -> bool:
        del reference, key
        return False

    async def link(self, reference: Reference) -> str:
        del reference
        return ""

    async def upload(self, png: bytes, title: str) -> str:
        del png, title
        return ""

    async def find(self, channel: str, incident: str, version: int) -> Reference | None:
        del channel, incident, version
        return None
