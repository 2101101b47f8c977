"""Messages as the page shows them."""

from datetime import UTC, datetime
from pathlib import Path

import jinja2

from simulator.slack.mrkdwn import to_html
from simulator.slack.store import Channel, Message, Store

NEWEST = 200
"""Messages of a channel that the page holds."""

STATIC = Path(__file__).parent / "static"

_NAMED_COLOURS = {"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}


def _colour(text: object) -> str:
    # limits.py has let only a colour through; a missing one is grey.
    colour = _NAMED_COLOURS.get(str(text), str(text or "#dddddd"))
    return colour if colour.startswith("#") else f"#{colour}"


def _moment(ts: str) -> str:
    return datetime.fromtimestamp(int(ts.partition(".")[0]), tz=UTC).isoformat()


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.Undefined,  # most keys of a block are optional
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(mrkdwn=to_html, colour=_colour, moment=_moment)
_MESSAGE = _ENVIRONMENT.get_template("message.html.j2")
_PAGE = _ENVIRONMENT.get_template("page.html.j2")


def page(store: Store, team: str) -> str:
    """Return the page without messages; they come with the stream of events."""
    return _PAGE.render(team=team, channels=list(store.channels.values()))


def message(store: Store, channel: Channel, one: Message, *, private: bool = False) -> str:
    """Return one message with its thread; a private one is for the person before the page alone."""
    replies = [] if one.thread_ts else store.replies(channel, one.ts)
    parent = channel.messages.get(one.thread_ts) if one.thread_ts else None
    return _MESSAGE.render(message=one, replies=replies, parent=parent, private=private)


def channel_messages(store: Store, channel: Channel) -> str:
    """Return the newest messages of a channel, oldest first."""
    return "".join(message(store, channel, one) for one in store.shown(channel)[-NEWEST:])
