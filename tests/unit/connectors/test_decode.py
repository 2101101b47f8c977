"""`deskwatch decode`: each frame is one or more objects with a `type`, whatever the frame is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.decode import decode_frames
from connectors.registry import DIALECTS, UnknownVenue
from tests.fakes.clock import NOON, FakeClock

EVENTS = {"trade", "quote", "book", "funding", "instrument", "order", "fill", "balance"}


def decode(venue: str, *frames: bytes) -> list[dict[str, object]]:
    """Return what the frames mean."""
    return list(decode_frames(venue, frames, FakeClock()))


def meets_the_contract(meanings: list[dict[str, object]]) -> bool:
    """Say whether each object is an event, ignored with a reason, or unknown; and is JSON."""
    json.dumps(meanings, allow_nan=False)
    kinds = [(one["type"], bool(one.get("reason"))) for one in meanings]
    return all(kind in EVENTS or (kind in ("ignored", "unknown") and reason) for kind, reason in kinds)


@pytest.mark.captures
@pytest.mark.parametrize("venue", sorted(DIALECTS))
def test_every_recorded_frame_has_its_object(captures: Path, venue: str) -> None:
    """One or more for each frame, none of them unknown."""
    lines = (captures / f"{venue.upper()}.ws.1.0").read_bytes().splitlines()
    frames = [line.partition(b": ")[2] for line in lines if line[:1].isdigit()]
    for frame in frames:
        meanings = decode(venue, frame)
        assert meanings
        assert meets_the_contract(meanings)
        assert all(one["type"] != "unknown" for one in meanings)


@pytest.mark.captures
@pytest.mark.parametrize(("venue", "folder"), [("binance", "binance"), ("binance_futures", "binance"), ("okx", "okx")])
def test_every_fixture_is_answered(captures: Path, venue: str, folder: str) -> None:
    """Documented messages of all kinds, those of other doors (REST) included: never an exception, never nothing."""
    files = sorted((captures.parent / "venue-fixtures" / folder).glob("*.json"))
    assert len(files) > 20
    for file in files:
        meanings = decode(venue, json.dumps(json.loads(file.read_bytes())).encode())
        assert meanings, file.name
        assert meets_the_contract(meanings), file.name


@pytest.mark.captures
@pytest.mark.parametrize(
    ("venue", "file", "kind"),
    [
        ("binance_futures", "binance/futures_market_data_json_book_ticker_stream.json", "quote"),
        ("binance_futures", "binance/futures_market_data_json_agg_trade_stream.json", "trade"),
        ("binance_futures", "binance/futures_market_data_json_mark_price_stream.json", "funding"),
        ("binance_futures", "binance/futures_market_data_json_kline_stream_open.json", "ignored"),
        ("binance_futures", "binance/futures_market_data_json_ticker_stream.json", "ignored"),
        ("binance_futures", "binance/futures_user_data_json_order_update_adl.json", "ignored"),
        ("binance", "binance/spot_user_data_json_execution_report_new.json", "order"),
        ("okx", "okx/ws_bbo_tbt.json", "quote"),
        ("okx", "okx/ws_funding_rate.json", "funding"),
        ("okx", "okx/ws_trades.json", "trade"),
        ("okx", "okx/ws_orders_adl.json", "ignored"),
    ],
)
def test_a_documented_message_has_its_type(captures: Path, venue: str, file: str, kind: str) -> None:
    """What the venue calls it, and what we do."""
    path = captures.parent / "venue-fixtures" / file
    assert decode(venue, json.dumps(json.loads(path.read_bytes())).encode())[0]["type"] == kind


def test_a_change_of_a_book_says_what_it_links_to() -> None:
    """The ids are there to be looked at, the levels as an event has them."""
    frame = b'{"stream":"x@depth","data":{"e":"depthUpdate","E":5,"s":"X","U":7,"u":9,"b":[["1.5","2"]],"a":[]}}'
    assert decode("binance", frame) == [
        {
            "type": "book", "part": "delta", "symbol": "X", "ts": 5_000_000, "received": NOON,
            "first": 7, "last": 9, "previous": None, "bids": ([1.5], [2.0]), "asks": ([], []),
        }
    ]  # fmt: skip


def test_words_about_the_connection_are_ignored_with_a_reason() -> None:
    """An acknowledgement, a refusal, a pong, a frame without rows."""
    found = decode(
        "okx",
        b"pong",
        b'{"event":"subscribe","arg":{"channel":"books","instId":"A"}}',
        b'{"event":"error","code":"60018","msg":"no such channel"}',
        b'{"arg":{"channel":"trades","instId":"A"},"data":[]}',
    )
    assert [(one["type"], one["reason"]) for one in found] == [
        ("ignored", "pong"),
        ("ignored", "acknowledged"),
        ("ignored", "refused: 60018 no such channel"),
        ("ignored", "it holds no data"),
    ]


@pytest.mark.parametrize("venue", sorted(DIALECTS))
@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"\xff\xfe", b'{"e":' + b"9" * 5000 + b"}", b"NaN",
        b'{"e":"executionReport","E":%s}' % (b"9" * 5000), b'{"event":%s}' % (b"[" * 100_000), b'{"x":NaN}', b"{}",
    ],
    ids=lambda frame: repr(frame[:20]),
)  # fmt: skip
def test_a_hostile_frame_is_unknown(venue: str, frame: bytes) -> None:
    """It says why, shows how the frame begins, and the next frame is read."""
    first, second = decode(venue, frame, b'{"another":1}')
    assert first["type"] == second["type"] == "unknown"
    assert meets_the_contract([first, second])


def test_empty_lines_are_no_frames() -> None:
    """They are passed over."""
    assert decode("okx", b"\n", b"  \n", b"pong\n")[0]["reason"] == "pong"


def test_a_line_of_50_mb_is_one_frame() -> None:
    """It is shown by its beginning alone."""
    (found,) = decode("binance", b'{"stream":"' + b"a" * 50_000_000 + b'"}')
    assert len(json.dumps(found)) < 2000


def test_a_venue_that_does_not_exist_is_wrong_usage() -> None:
    """With the nearest name."""
    with pytest.raises(UnknownVenue, match="Did you mean okx"):
        _ = decode("okex", b"{}")


def test_the_command_reads_stdin_and_exits_0_on_anything() -> None:
    """The real program: noise in, JSON lines out; 2 for a wrong venue alone."""
    program = Path(sys.executable).with_name("deskwatch")
    noise = b'\xff\n[[[[\n\n{"id":1,"result":null}\n' + b"[" * 200_000 + b"\n"
    done = subprocess.run([program, "decode", "--venue", "binance"], input=noise, capture_output=True, check=False)
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert (done.returncode, kinds) == (0, ["unknown", "unknown", "ignored", "unknown"])
    wrong = subprocess.run([program, "decode", "--venue", "binanse"], input=noise, capture_output=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, b"")
