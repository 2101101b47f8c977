"""Many incidents as one Slack message, edited as they end. Pure."""

from alerts.notify.base import Payload, Storm
from alerts.notify.slack_message import COLOURS, EVENT_TYPE, GREEN, SECTION_LIMIT
from alerts.notify.slack_text import code, cut, duration, escape, moment

NAMED = 3
"""Rules in the headline."""
LISTED = 20
"""Rules in the list."""


def storm_message(storm: Storm) -> Payload:
    """Return the message for a storm: how many still fire, of which rules."""
    lasted = duration(storm.at - storm.began_at)
    blocks = [
        {"type": "section", "block_id": f"storm-{storm.version}", "text": {"type": "mrkdwn", "text": _list(storm)}},
        {
            "type": "context",
            "block_id": f"small-print-{storm.version}",
            "elements": [{"type": "mrkdwn", "text": _small_print(storm)}],
        },
    ]
    return {
        "text": _headline(storm, lasted),
        "attachments": [{"color": COLOURS[storm.severity] if storm.counts else GREEN, "blocks": blocks}],
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"incident": storm.incident, "version": storm.version},
        },
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _headline(storm: Storm, lasted: str) -> str:
    if not storm.counts:
        return f"*[STORM OVER {lasted}]* {storm.total:,} more incidents, all resolved"
    firing = sum(storm.counts.values())
    names = [f"{escape(name, 40)} {count:,}" for name, count in _largest(storm)[:NAMED]]
    rest = len(storm.counts) - NAMED
    named = ", ".join(names) + (f" and {_rules(rest)}" if rest > 0 else "")
    many = f"{firing:,}" if firing == storm.total else f"{firing:,} of {storm.total:,}"
    return f"*[STORM {storm.severity}]* {many} more incidents: {named}"


def _list(storm: Storm) -> str:
    if not storm.counts:
        return f"{storm.total:,} incidents came at once and are over."
    lines = [f"• {code(name, 80)}  *{count:,}*" for name, count in _largest(storm)[:LISTED]]
    rest = len(storm.counts) - LISTED
    return cut("\n".join([*lines, f"_and {_rules(rest)}_"] if rest > 0 else lines), SECTION_LIMIT)


def _small_print(storm: Storm) -> str:
    parts = [
        f"since {moment(storm.began_at)}",
        "each is on the status page and in `deskwatch alerts list`" if storm.counts else "",
        f"incident {code(storm.incident, 60)}",
        f"update {storm.version}" if storm.version > 1 else "",
    ]
    return "  ·  ".join(part for part in parts if part)


def _rules(count: int) -> str:
    return "1 more rule" if count == 1 else f"{count:,} more rules"


def _largest(storm: Storm) -> list[tuple[str, int]]:
    return sorted(storm.counts.items(), key=lambda one: (-one[1], one[0]))
