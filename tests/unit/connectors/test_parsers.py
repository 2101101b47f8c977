"""No frame and no answer, however hostile, makes a parser raise anything but BadMessage."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.contract import BookDelta, Dialect, Ignored, Names, Unknown
from connectors.base.feed import MarketFeed
from connectors.binance_common.frames import parse_snapshot
from connectors.recording import read
from connectors.registry import DIALECTS
from core.errors import BadMessage
from core.events import Instrument, Quote
from core.types import SECOND

NOW = 1_767_268_800 * SECOND
VENUES = sorted(DIALECTS)
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

HOSTILE = [
    b"", b" ", b"{", b"null", b"[]", b"0", b'""', b"{}", b"\xff\xfe\x00", b'{"stream":"\xff@depth","data":{}}',
    b"[" * 100_000, b'{"a":' * 100_000, b'{"stream":' + b"[" * 100_000,
    b'{"stream":"a@depth","data":' + b"[" * 100_000, b'{"stream":"', b'{"stream":"a@depth"}', b'{"arg":{}}',
    b'{"stream":"a@depth","data":{"E":1e999,"s":"A","U":1,"u":1,"b":[],"a":[]}}',
    b'{"stream":"a@depth","data":{"E":%s,"s":"A","U":1,"u":1,"b":[],"a":[]}}' % (b"9" * 400),
    b'{"stream":"a@depth","data":{"E":1,"s":"A","U":%s,"u":1,"b":[],"a":[]}}' % (b"9" * 30),
    b'{"stream":"a@depth","data":{"E":1,"s":"A","U":1,"u":1,"b":[["NaN","1"]],"a":[]}}',
    b'{"stream":"a@depth","data":{"E":1,"s":"A","U":1,"u":1,"b":[["Infinity","1"]],"a":[]}}',
    b'{"stream":"a@depth","data":{"E":1,"s":"A","U":1,"u":1,"b":[["-1","1"]],"a":[]}}',
    b'{"stream":"a@depth","data":{"E":1,"s":"A","U":1,"u":1,"b":[["1"]],"a":[]}}',
    b'{"stream":"a@trade","data":{"s":"A","t":%s,"p":"1","q":"1","T":1,"m":true}}' % (b"9" * 5000),
    b'{"e":5}', b'{"id":%s}' % (b"9" * 5000), b'{"code":%s}' % (b"9" * 300), b'{"error":{"code":"x"}}',
    b'{"arg":{"channel":"books","instId":"A"},"action":"snapshot","data":[{"asks":[["nan","1","0","1"]],"bids":[],"ts":"1"}]}',
    b'{"arg":{"channel":"books","instId":"A"},"data":[{"asks":[],"bids":[],"ts":"%s"}]}' % (b"9" * 5000),
    b'{"arg":{"channel":"books","instId":"A"},"data":[{"asks":[],"bids":[],"ts":"1","checksum":%s}]}' % (b"9" * 400),
    b'{"arg":{"channel":"tickers"},"data":[{"instId":"A","askPx":"1e400","askSz":"1","bidPx":"1","bidSz":"1","ts":"1"}]}',
    b'{"arg":{"channel":"funding-rate"},"data":[{"instId":"A","fundingRate":"--","ts":"x"}]}',
    b'{"s":"\\ud800","b":"1","B":"1","a":"1","A":"1"}',
]  # fmt: skip


def only_bad(parse: Callable[..., Sequence[Any]], *arguments: object) -> Sequence[Any]:
    """Run a parser; BadMessage is the only way to fail."""
    try:
        return parse(*arguments)
    except BadMessage:
        return ()


def feeds(frame: bytes) -> None:
    """Send a frame through the feed of every venue, tick, and ask for its statistics: nothing may raise."""
    for spoken in DIALECTS.values():
        feed = MarketFeed(spoken, Names(), (), "fuzz", lambda _: None)
        _ = feed.opening(NOW)
        _ = feed.on_frame(frame, NOW)
        _ = feed.on_tick(NOW + SECOND)
        _ = feed.stats(NOW + SECOND)
        assert feed.counters.messages == 1


@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: repr(frame[:60]))
def test_a_hostile_frame_costs_nothing_but_itself(frame: bytes) -> None:
    """Nested a hundred thousand deep, numbers of 5,000 digits, NaN, wrong types, invalid UTF-8."""
    feeds(frame)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@fuzz
@given(st.binary(max_size=300))
def test_any_bytes(frame: bytes) -> None:
    """Noise is a bad message."""
    feeds(frame)


@fuzz
@given(ANYTHING)
def test_any_json(value: object) -> None:
    """JSON of any shape is a bad message or an unknown one."""
    feeds(json.dumps(value).encode())


TEMPLATES: list[dict[str, Any]] = [
    {"stream": "btcusdt@depth@100ms", "data": {"E": 1, "s": "BTCUSDT", "U": 1, "u": 2, "b": [["1", "2"]], "a": []}},
    {"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT", "b": "1", "B": "2", "a": "3", "A": "4", "T": 1}},
    {"stream": "btcusdt@aggTrade", "data": {"s": "BTCUSDT", "a": 1, "p": "1", "q": "2", "T": 1, "m": True}},
    {"stream": "btcusdt@markPrice@1s", "data": {"E": 1, "s": "BTCUSDT", "p": "1", "i": "", "r": "-0.1"}},
    {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "2", "T": 1, "m": True},
    {"result": None, "id": 1},
    {"event": "error", "code": "60018", "msg": "channel:books,instId:BTC-USDT doesn't exist"},
    {"event": "subscribe", "arg": {"channel": "books", "instId": "BTC-USDT"}},
    {
        "arg": {"channel": "books", "instId": "BTC-USDT"},
        "action": "update",
        "data": [{"asks": [["1", "2", "0", "1"]], "bids": [], "ts": "1", "checksum": 5, "seqId": 1, "prevSeqId": 0}],
    },
    {
        "arg": {"channel": "trades"},
        "data": [{"instId": "A", "tradeId": "1", "px": "1", "sz": "1", "side": "buy", "ts": "1"}],
    },
    {
        "arg": {"channel": "bbo-tbt", "instId": "A"},
        "data": [{"asks": [["1", "2", "0", "1"]], "bids": [["1", "2", "0", "1"]], "ts": "1"}],
    },
    {"arg": {"channel": "funding-rate"}, "data": [{"instId": "A", "fundingRate": "-0.1", "ts": "1"}]},
]  # fmt: skip


def spoiled(draw: st.DrawFn, value: object) -> object:
    """Return the value with one place of it exchanged for anything."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: spoiled(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], spoiled(draw, value[at]), *value[at + 1 :]]
    return draw(ANYTHING)


@fuzz
@given(st.data())
def test_a_real_message_with_one_spoiled_place(data: st.DataObject) -> None:
    """Right but for one value, at any depth: the nearest thing to what a venue's defect sends."""
    template = data.draw(st.sampled_from(TEMPLATES))
    feeds(json.dumps(data.draw(st.composite(spoiled)(template))).encode())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: str(one)[:50])
def test_the_templates_themselves_are_understood(template: dict[str, Any]) -> None:
    """A fuzz test that starts from something unreadable tests nothing."""
    understood = []
    for spoken in DIALECTS.values():
        meanings = only_bad(spoken.parse, json.dumps(template).encode(), NOW, Names())
        understood += [one for one in meanings if not isinstance(one, Unknown)]
    assert understood


@fuzz
@given(st.data())
def test_rest_answers_raise_only_bad_message(data: st.DataObject) -> None:
    """Depth, instruments and time, from noise to nearly right."""
    depth = {"lastUpdateId": 1, "bids": [["1", "2"]], "asks": [], "T": 1}
    info = {
        "symbols": [
            {"symbol": "A", "status": "T", "baseAsset": "A", "quoteAsset": "B", "deliveryDate": 1, "filters": []}
        ]
    }
    listed = {
        "code": "0",
        "data": [{"instId": "A-B", "instType": "SPOT", "state": "live", "tickSz": "0.1", "expTime": "1"}],
    }
    template = data.draw(st.sampled_from([depth, info, listed, {"serverTime": 1}, {"data": [{"ts": "1"}]}]))
    body = json.dumps(data.draw(st.composite(spoiled)(template))).encode()
    for spoken in DIALECTS.values():
        assert all(isinstance(one, Instrument) for one in only_bad(spoken.parse_instruments, body, NOW))
        _ = only_bad(lambda: [spoken.parse_time(body)])  # noqa: B023  called at once
    _ = only_bad(lambda: [parse_snapshot(body, "A", NOW)])


def test_one_bad_instrument_costs_only_itself() -> None:
    """A list with one row that nobody can read still names the others."""
    rows = [
        {
            "instId": "BTC-USDT",
            "instType": "SPOT",
            "state": "live",
            "baseCcy": "BTC",
            "quoteCcy": "USDT",
            "tickSz": "0.1",
        },
        {"instId": "ETH-USDT", "instType": "SPOT", "state": "live", "tickSz": "one tenth"},
        {"instId": 5},
        "noise",
    ]
    found = DIALECTS["okx"].parse_instruments(json.dumps({"code": "0", "data": rows}).encode(), NOW)
    assert [(one.symbol, one.tick) for one in found] == [("BTC-USDT", "0.1")]


@given(st.floats(min_value=0, max_value=1e300))
def test_prices_are_read_exactly(number: float) -> None:
    """The decoder's own conversion of texts rounds as Python's does."""
    frame = {"stream": "a@bookTicker", "data": {"s": "A", "b": repr(number), "B": "1", "a": f"{number:.17e}", "A": "1"}}
    (quote,) = DIALECTS["binance"].parse(json.dumps(frame).encode(), NOW, Names())
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask) == (number, number)


@pytest.mark.captures
@pytest.mark.parametrize("venue", VENUES)
def test_every_recorded_frame_is_known(captures: Path, venue: str) -> None:
    """Nothing that a venue really sent is unknown."""
    spoken: Dialect = DIALECTS[venue]
    frames = read(spoken, captures / venue.upper()).frames
    meanings = [one for frame in frames for one in spoken.parse(frame.body, frame.at, Names())]
    assert len(meanings) >= len(frames)
    assert not any(isinstance(one, Unknown) for one in meanings)
    assert sum(isinstance(one, BookDelta) for one in meanings) > 100
    assert any(isinstance(one, Ignored) for one in meanings) or venue == "okx"
