"""Binance spot's private messages: the documented ones mean what they say, hostile ones are refused, nothing else."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.contract import Control, Ignored, Names, Unknown
from connectors.binance.account import (
    Answer,
    BalanceMoved,
    StreamEnded,
    parse_account,
    parse_balances,
    parse_order,
    parse_orders,
    parse_trades,
)
from core.account import Balance, Fill, OrderChange, OrderReport, OrderStatus
from core.errors import BadMessage
from core.events import Instrument
from core.types import MILLISECOND, InstrumentKind, Liquidity, Side, Source
from tests.conftest import ROOT, unavailable

RECEIVED = 1_767_268_800_000_000_000
LATEST = 2**63 - 1
NAMES = Names(
    [
        Instrument("binance", f"{base}-USDT", f"{base}USDT", 0, 0, InstrumentKind.SPOT, base, "USDT", "TRADING")
        for base in ("BTC", "ETH")
    ]
)
TRADE: dict[str, Any] = {
    "e": "executionReport", "E": 1709654401001, "s": "ETHUSDT", "c": "mine-1", "S": "BUY", "o": "LIMIT", "f": "GTC",
    "q": "1.00000000", "p": "2500.00000000", "P": "0.00000000", "x": "TRADE", "X": "PARTIALLY_FILLED", "r": "NONE",
    "i": 12345678, "l": "0.40000000", "z": "0.60000000", "L": "2499.50000000", "n": "0.00040000", "N": "ETH",
    "T": 1709654401000, "t": 98765432, "I": 77, "w": True, "m": True, "O": 1709654400000, "Z": "1499.80000000", "C": "",
}  # fmt: skip


def parse(message: object) -> list[Any]:
    """Return what a message means, wrapped as the venue wraps it."""
    frame = msgspec.json.encode({"subscriptionId": 0, "event": message})
    return list(parse_account(frame, RECEIVED, NAMES, "main"))


def test_a_trade_is_a_fill_and_then_a_report() -> None:
    """Exact amounts, the venue's millisecond, the maker's side of the fee."""
    fill, report = parse(TRADE)
    assert fill == Fill(
        "binance", "main", "ETH-USDT", 1709654401000 * MILLISECOND, RECEIVED, "12345678", "mine-1", "98765432",
        Side.BUY, Liquidity.MAKER, Decimal("2499.5"), Decimal("0.4"), Decimal("0.0004"), "ETH", Source.WS,
    )  # fmt: skip
    assert (report.change, report.status) == (OrderChange.TRADE, OrderStatus.PARTIALLY_FILLED)
    assert (report.filled, report.qty, report.seq) == (Decimal("0.6"), Decimal(1), 77)
    assert report.avg_price == Decimal("1499.8") / Decimal("0.6")


def test_a_cancel_keeps_the_name_of_the_order() -> None:
    """`c` is the cancel's id there, `C` the order's."""
    (report,) = parse({**TRADE, "x": "CANCELED", "X": "CANCELED", "c": "cancel-9", "C": "mine-1", "t": -1})
    assert (report.client_order_id, report.change) == ("mine-1", OrderChange.CANCELED)


def test_a_market_order_has_no_price() -> None:
    """The venue writes zero."""
    (report,) = parse({**TRADE, "x": "NEW", "X": "NEW", "o": "MARKET", "p": "0.00000000", "t": -1, "Z": "0", "z": "0"})
    assert report.price is None
    assert report.avg_price is None


@pytest.mark.parametrize(
    ("execution", "status", "change", "canonical"),
    [
        ("NEW", "NEW", OrderChange.NEW, OrderStatus.WORKING),
        ("NEW", "PENDING_NEW", OrderChange.NEW, OrderStatus.WORKING),
        ("REPLACED", "NEW", OrderChange.REPLACED, OrderStatus.WORKING),
        ("REJECTED", "REJECTED", OrderChange.REJECTED, OrderStatus.REJECTED),
        ("EXPIRED", "EXPIRED", OrderChange.EXPIRED, OrderStatus.EXPIRED),
        ("EXPIRED", "EXPIRED_IN_MATCH", OrderChange.EXPIRED, OrderStatus.CANCELED),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", OrderChange.CANCELED, OrderStatus.CANCELED),
        ("TRADE_PREVENTION", "NEW", OrderChange.STATUS, OrderStatus.WORKING),
        ("SOMETHING_NEW", "SOMETHING_ELSE", OrderChange.STATUS, OrderStatus.UNKNOWN),
    ],
)
def test_the_venues_words_become_ours(execution: str, status: str, change: OrderChange, canonical: OrderStatus) -> None:
    """A word that we do not know is told, never an error."""
    (report,) = parse({**TRADE, "x": execution, "X": status, "t": -1})
    assert (report.change, report.status) == (change, canonical)


def test_the_other_events_mean_what_they_say() -> None:
    """Balances are absolute, a deposit is a difference, an ended stream is an end."""
    position = {"e": "outboundAccountPosition", "E": 5, "u": 4, "B": [{"a": "BTC", "f": "1.5", "l": "0.5"}]}
    assert parse(position) == [
        Balance("binance", "main", "BTC", 4 * MILLISECOND, RECEIVED, Decimal("1.5"), Decimal("0.5"))
    ]
    assert parse({"e": "balanceUpdate", "E": 5, "a": "BTC", "d": "-1", "T": 4}) == [
        BalanceMoved("BTC", 4 * MILLISECOND, Decimal(-1))
    ]
    assert isinstance(parse({"e": "eventStreamTerminated", "E": 5})[0], StreamEnded)
    assert isinstance(parse({"e": "serverShutdown", "E": 5})[0], Control)
    assert isinstance(parse({"e": "listStatus", "E": 5})[0], Ignored)
    assert isinstance(parse({"e": "somethingNew", "E": 5})[0], Unknown)


def test_answers_carry_id_code_and_subscriptions() -> None:
    """Granted, refused, listed, and the venue's word that nobody asked for."""

    def answer(text: str) -> object:
        return parse_account(text, RECEIVED, NAMES, "main")[0]

    assert answer('{"id":"subscribe","status":200,"result":{"subscriptionId":3}}') == Answer(
        "subscribe", 200, subscription=3
    )
    assert answer('{"id":"probe","status":200,"result":[{"subscriptionId":3}]}') == Answer(
        "probe", 200, subscriptions=frozenset({3})
    )
    assert answer('{"id":null,"status":401,"error":{"code":-2015,"msg":"no"}}') == Answer(None, 401, -2015, "no")


@pytest.mark.parametrize(
    "change",
    [
        {"q": "NaN"}, {"q": "Infinity"}, {"q": "1e999999"}, {"q": "1" * 100}, {"q": ""}, {"q": 1}, {"q": None},
        {"p": "1e-999999"}, {"S": "HOLD"}, {"S": None}, {"T": "now"}, {"T": 1.5}, {"T": 10**30}, {"T": -(10**30)},
        {"T": 2**63}, {"T": -1}, {"i": None}, {"I": 2**70}, {"s": 7}, {"z": "0x10"}, {"m": "yes"}, {"L": "1,5"},
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused(change: dict[str, object]) -> None:
    """Refused as a bad message: it must not reach the ledger, the journal or the database."""
    frame = json.dumps({"subscriptionId": 0, "event": {**TRADE, **change}})
    with pytest.raises(BadMessage):
        _ = parse_account(frame, RECEIVED, NAMES, "main")


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"\xff\xfe", b"null", b"[]", b"7", b'"text"', b"{", b'{"event":null}', b'{"event":[]}', b'{"event":"x"}',
        b'{"e":7}', b'{"status":"ok"}', b'{"status":200,"error":7}', b'{"subscriptionId":"a","event":{}}',
        b'{"result":' + b"[" * 100_000, b'{"status":1,"result":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"event":' + b'{"a":' * 100_000, b'{"e":"executionReport"}', b'{"e":"\xff"}', b'{"e":"\\ud800"}',
    ],
    ids=range(20),
)  # fmt: skip
def test_a_hostile_frame_raises_nothing_but_bad_message(frame: bytes) -> None:
    """Nested without end, invalid UTF-8, wrong types."""
    with pytest.raises(BadMessage):
        _ = parse_account(frame, RECEIVED, NAMES, "main")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["executionReport", "TRADE", "1.5", "BUY", "-1", "1e400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TRADE, "event", "status"]), inner),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from([*TRADE]), JSON, min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
def test_any_change_of_a_frame_gives_sound_events_or_bad_message(changes: dict[str, object]) -> None:
    """What comes through is finite, and fits the journal and the database."""
    frame = json.dumps({"subscriptionId": 0, "event": {**TRADE, **changes}}).encode()
    try:
        meanings = parse_account(frame, RECEIVED, NAMES, "main")
    except BadMessage:
        return
    for meaning in meanings:
        if isinstance(meaning, OrderReport | Fill):
            assert 0 <= meaning.ts <= LATEST
            assert meaning.qty.is_finite()
            assert isinstance(meaning, Fill) or abs(meaning.seq) <= LATEST


@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None)
def test_any_body_gives_an_answer_or_bad_message(body: bytes) -> None:
    """The same for every answer of REST, and for the stream."""
    for parser in (
        lambda: parse_account(body, RECEIVED, NAMES, "main"),
        lambda: parse_trades(body, RECEIVED, NAMES, "main"),
        lambda: parse_orders(body, RECEIVED, NAMES, "main"),
        lambda: parse_order(body, RECEIVED, NAMES, "main"),
        lambda: parse_balances(body, RECEIVED, "main"),
    ):
        try:
            _ = parser()
        except BadMessage:
            continue


@pytest.fixture(scope="module")
def documented() -> Path:
    """The folder of the venue's documented messages, beside the repository."""
    folder = ROOT.parent / "shared" / "venue-fixtures" / "binance"
    if not folder.is_dir():
        unavailable("the documented venue messages are not at ../shared/venue-fixtures beside the repository")
    return folder


def test_the_documented_messages_are_understood(documented: Path) -> None:
    """None is unknown, each has its type."""
    expected = {
        "balance_update": [BalanceMoved],
        "balance_update_wrapped": [BalanceMoved],
        "execution_report_canceled": [OrderReport],
        "execution_report_new": [OrderReport],
        "execution_report_trade": [Fill, OrderReport],
    }
    for name, types in expected.items():
        frame = (documented / f"spot_user_data_json_{name}.json").read_bytes()
        assert [type(one) for one in parse_account(frame, RECEIVED, NAMES, "main")] == types
    orders = parse_orders((documented / "spot_http_json_all_orders_response.json").read_bytes(), 1, NAMES, "main")
    assert [(one.order_id, one.status) for one in orders] == [("1", OrderStatus.WORKING)]
    balances = parse_balances((documented / "spot_http_json_account_response.json").read_bytes(), 1, "main")
    assert {one.asset for one in balances} == {"BTC", "LTC"}
