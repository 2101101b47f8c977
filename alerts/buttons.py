"""What a press of a button does: the same actions as the command line's, on the incident as it is now."""

from alerts.actions import Actions, Done
from alerts.notify.slack_buttons import Press, Verb
from core.clock import Clock, to_datetime

_DONE_BEFORE = {
    Verb.ACK: "It is acknowledged already.",
    Verb.UNACK: "Nobody has acknowledged it.",
    Verb.SILENCE: "It is silenced so already.",
    Verb.UNSILENCE: "It is not silenced.",
    Verb.RESOLVE: "It is resolved already.",
}
OVER = "This incident is over: nothing was changed. If it fires again there is a new message."
UNKNOWN = "This incident is not known any more: nothing was changed."


class Buttons:
    """Carries presses out; a press of an old version counts for what the incident is now, or says why not."""

    def __init__(self, actions: Actions, clock: Clock) -> None:
        self._actions = actions
        self._clock = clock

    async def __call__(self, press: Press) -> str:
        """Carry a press out; return what its author alone is told, "" if the message shows it anyway."""
        match await self._do(press):
            case Done.DONE:
                return ""
            case Done.ALREADY:
                return _DONE_BEFORE.get(press.verb, "")
            case Done.RESOLVED:
                return OVER
            case Done.UNKNOWN:
                return UNKNOWN

    async def _do(self, press: Press) -> Done:
        at, actor = to_datetime(self._clock.now()), press.name
        match press.verb:
            case Verb.ACK:
                return await self._actions.acknowledge(press.incident, actor, at)
            case Verb.UNACK:
                return await self._actions.unacknowledge(press.incident, actor, at)
            case Verb.RESOLVE:
                return await self._actions.resolve(press.incident, actor, at)
            case Verb.UNSILENCE:
                return await self._actions.unsilence(press.incident, actor, at)
            case Verb.SILENCE if press.span is not None:
                quiet = await self._actions.silence(press.incident, at + press.span, actor, "from Slack", at)
                return quiet.done
            case _:
                return Done.ALREADY
