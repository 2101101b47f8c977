"""An incident as a Slack message: what it says, and that nothing can make it too long or ping anyone."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Ack, AlertStatus, AlertView, Notification, Severity, Silenced
from alerts.notify.base import Extras
from alerts.notify.slack_message import COLOURS, GREEN, GREY, PUSH, YELLOW, dressed, message
from simulator.slack.limits import check_message
from tests.fakes.notifications import AT, alert, notification

MENTION = re.compile(r"<(?!!date\^\d+\^|https?://)")
"""A sign that Slack acts upon, other than a date or a link of ours."""


def shown(payload: dict[str, Any]) -> str:
    """Return every text of the attachment but the buttons', one under the other."""
    texts: list[str] = []
    for block in payload["attachments"][0]["blocks"]:
        if block["type"] == "actions":
            continue
        parts = [block["text"]] if "text" in block else []
        texts += [part["text"] for part in [*parts, *block.get("fields", []), *block.get("elements", [])]]
    return "\n".join(texts)


def push(payload: dict[str, Any]) -> str:
    """Return what a phone shows."""
    return str(payload["text"]).replace("*", "")[:PUSH]


def test_a_phone_shows_state_severity_what_value_and_where() -> None:
    """All of it stands in the first 80 characters."""
    wide = alert("SpreadWide", {"venue": "binance", "symbol": "ETH-USDT"}, summary="ETH-USDT spread wide", value=14.23)
    assert push(message(notification(wide))) == "[FIRING page] ETH-USDT spread wide · 14.23 · binance"


def test_a_value_that_the_text_tells_already_is_not_told_twice() -> None:
    """12.4 and 12.41 are the same number to a reader."""
    assert push(message(notification(alert(value=12.41)))) == "[FIRING page] OKX BTC-USDT book is 12.4 s old"


def test_a_long_summary_gives_way_to_value_and_place_and_follows_whole() -> None:
    """What the phone cuts is still in the channel."""
    told = "the book of this instrument has not moved while its trades still arrive, " * 2
    text = message(notification(alert(summary=told, value=7.0)))["text"]
    assert "· 7 · okx BTC-USDT" in push({"text": text})
    assert text.endswith(told.strip())


def test_a_firing_message_has_the_colour_of_its_severity() -> None:
    """Red wakes people, blue does not."""
    for severity, colour in COLOURS.items():
        assert message(notification(severity=severity))["attachments"][0]["color"] == colour


ACK = Ack("maria", AT)
QUIET = Silenced("s1", AT + timedelta(hours=1), "jonas", "maintenance <!here>")
OVER = {"status": AlertStatus.RESOLVED, "closed_at": AT}


def row(payload: dict[str, Any]) -> list[str]:
    """Return the verbs of the buttons."""
    blocks = payload["attachments"][0]["blocks"]
    return [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


@pytest.mark.parametrize(
    ("changes", "tag", "colour", "verbs"),
    [
        ({}, "[FIRING page]", COLOURS[Severity.PAGE], ["dw_ack", "dw_silence", "dw_resolve"]),
        ({"ack": ACK}, "[ACK page]", YELLOW, ["dw_unack", "dw_silence", "dw_resolve"]),
        ({"silenced": QUIET}, "[SILENCED page]", GREY, ["dw_unsilence"]),
        ({"ack": ACK, "silenced": QUIET}, "[SILENCED page]", GREY, ["dw_unsilence"]),
        ({"ack": ACK, **OVER}, "[RESOLVED 3m page]", GREEN, []),
    ],
)
def test_each_state_has_its_tag_its_colour_and_its_buttons(
    changes: dict[str, Any], tag: str, colour: str, verbs: list[str]
) -> None:
    """Section 1.1's table; `value` is `incident:version`, so that a press says what its author saw."""
    payload = message(notification(version=7, **changes), pressed=True)
    assert push(payload).startswith(tag)
    assert payload["attachments"][0]["color"] == colour
    assert row(payload) == verbs
    assert '"INC1:7' in json.dumps(payload) or not verbs


def test_who_looks_after_it_and_who_keeps_it_quiet_is_shown() -> None:
    """With the time in the reader's zone; a comment pings nobody."""
    assert "*Acknowledged*\nmaria" in shown(message(notification(ack=ACK)))
    text = shown(message(notification(silenced=QUIET)))
    assert "*Silenced*\nuntil <!date^" in text
    assert "jonas\nmaintenance &lt;!here&gt;" in text
    assert "*Resolved by*\nmaria" in shown(message(notification(closed_by="maria", **OVER)))


def test_without_anybody_who_hears_buttons_the_command_is_named() -> None:
    """A button that does nothing is worse than none; the link stays."""
    payload = message(notification(alert(dashboard="https://grafana.example.com/d/1")))
    assert row(payload) == ["dw_open"]
    assert "`deskwatch alerts ack INC1`" in shown(payload)
    assert "deskwatch alerts ack" not in shown(message(notification(), pressed=True))


def test_chart_and_the_way_to_the_last_incident_are_added_to_what_is_rendered() -> None:
    """The chart stands above the buttons, the link in the small print; the text does not change."""
    plain = message(notification(), pressed=True)
    payload = dressed(plain, Extras("https://desk.example.com/archives/C1/p2", "F1"))
    kinds = [one["type"] for one in payload["attachments"][0]["blocks"]]
    assert kinds == ["section", "image", "actions", "context"]
    assert "fired before: <https://desk.example.com/archives/C1/p2|last time>" in shown(payload)
    assert payload["text"] == plain["text"]
    assert dressed(plain, Extras()) == plain


def test_a_resolved_message_is_green_and_shows_the_value_now_and_while_firing() -> None:
    """What is over no longer shows its last bad value as if it were true."""
    over = alert(status=AlertStatus.RESOLVED, value_now=0.31, resolved_at=AT)
    payload = message(notification(over, status=AlertStatus.RESOLVED, closed_at=AT))
    assert payload["attachments"][0]["color"] == GREEN
    assert payload["text"].startswith("*[RESOLVED 3m page]*")
    assert "now 0.31" in push(payload)
    assert "*Value now*\n0.31" in shown(payload)
    assert "*While firing*\n12.4" in shown(payload)
    assert "*Lasted*\n3m" in shown(payload)


def test_several_alerts_are_listed_most_severe_first_and_capped() -> None:
    """The list ends in how many more there are."""
    quiet = [alert(f"R{i}", severity=Severity.INFO, summary=f"quiet {i}") for i in range(20)]
    loud = alert("Loud", severity=Severity.PAGE, summary="loud")
    lines = shown(message(notification(*quiet, loud))).splitlines()
    listed = [line for line in lines if line.startswith("•")]
    assert "loud" in listed[0]
    assert len(listed) == 10
    assert "_and 11 more_" in lines


def test_some_resolved_stay_in_the_list_after_the_firing() -> None:
    """A reader sees what is left to do first."""
    over = alert("Over", status=AlertStatus.RESOLVED, value_now=0.5, resolved_at=AT, summary="over")
    lines = [line for line in shown(message(notification(over, alert()))).splitlines() if line.startswith("•")]
    assert "*page*" in lines[0]
    assert lines[1] == "• *resolved*  over · now *0.5*, was 12.4, lasted 3m"


def test_runbook_and_dashboard_are_links_and_a_file_name_is_text() -> None:
    """Only an address that a browser can open becomes a link."""
    one = alert(runbook="https://wiki/book?a=1&b=2", dashboard="javascript:alert(1)", description="why it matters")
    text = shown(message(notification(one)))
    assert "<https://wiki/book?a=1&amp;b=2|Runbook>" in text
    assert "Dashboard: `javascript:alert(1)`" in text
    assert "why it matters" in text


def test_the_metadata_names_incident_and_version() -> None:
    """By it a lost post is found again."""
    metadata = message(notification(version=3))["metadata"]
    assert metadata == {"event_type": "deskwatch_incident", "event_payload": {"incident": "INC1", "version": 3}}


def test_each_edit_has_new_block_ids() -> None:
    """Slack asks for that, or it may not show the edit."""
    first, second = (
        {block["block_id"] for block in message(notification(version=version))["attachments"][0]["blocks"]}
        for version in (1, 2)
    )
    assert not first & second


def test_a_hostile_label_is_inert() -> None:
    """An order's tag comes from outside and must not wake the whole channel."""
    payload = message(notification(alert(labels={"tag": "<!channel> `x` &"}, summary="<!here> <@U1> *b*")))
    assert "`&lt;!channel&gt; 'x' &amp;`" in shown(payload)
    assert "&lt;!here&gt; &lt;@U1&gt;" in payload["text"]


texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["<!channel>", "<!here|x>", "&amp;<@U1>`", "😀" * 4000, "&" * 9000, "\ud800", "|>" * 200, "\u202e"]
    ),
)
urls = st.one_of(texts, st.builds("https://desk/{}".format, texts), st.just("http://["), st.just("https://x|y>z"))
values = st.one_of(st.none(), st.floats())
labels = st.dictionaries(texts, texts, max_size=12)
alerts = st.builds(
    AlertView,
    fingerprint=texts,
    alertname=texts,
    labels=labels,
    status=st.sampled_from(AlertStatus),
    severity=st.sampled_from(Severity),
    value=values,
    value_now=values,
    summary=texts,
    description=texts,
    runbook=urls,
    dashboard=urls,
    fired_at=st.just(AT),
    resolved_at=st.one_of(st.none(), st.just(AT + timedelta(days=400))),
)


@st.composite
def incidents(draw: st.DrawFn) -> Notification:
    """Any incident, however strange its texts."""
    some = draw(st.lists(alerts, max_size=14))
    return replace(
        notification(alert()),
        alerts=tuple(some),
        group=draw(labels),
        status=draw(st.sampled_from(AlertStatus)),
        severity=draw(st.sampled_from(Severity)),
        source=draw(texts),
        links=draw(st.dictionaries(texts, urls, max_size=5)),
        ack=draw(st.one_of(st.none(), st.builds(Ack, texts, st.just(AT)))),
        silenced=draw(st.one_of(st.none(), st.builds(Silenced, texts, st.just(AT), texts, texts))),
        closed_by=draw(texts),
    )


@given(
    incidents(),
    st.sampled_from([{"pressed": True}, {"pressed": False}]),
    st.builds(Extras, urls, st.sampled_from(["", "F0123456789"])),
)
def test_any_incident_stays_within_the_limits_and_pings_nobody(
    incident: Notification, how: dict[str, bool], extras: Extras
) -> None:
    """The limits are the simulated workspace's, which refuses what Slack refuses."""
    payload = dressed(message(incident, **how), extras)
    check_message(payload["text"], None, payload["attachments"], payload["metadata"], bool)
    for text in (payload["text"], shown(payload)):
        assert not MENTION.search(text)
        text.encode()


def test_ten_thousand_alerts_are_one_message() -> None:
    """A storm is counted, not written out."""
    many = [alert(f"R{i}", summary="😀&<>" * 500, description="&" * 5000) for i in range(10_000)]
    payload = message(notification(*many))
    check_message(payload["text"], None, payload["attachments"], payload["metadata"], bool)
    assert "10000 firing" in shown(payload)
    assert re.search(r"_and 9,99\d more_", shown(payload))
