"""Every row that was taken arrives, whatever the database's door answers."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.rows import Row
from storage.lane import CACHE_BATCHES
from storage.settings import WriterSettings
from storage.writer import writing
from tests.integration.storage.door import NOWHERE, OK, Reply, scripted, until

CLOCK = SystemClock()
NOON = 1_767_268_800_000_000_000
QUICK = WriterSettings(batch_time=timedelta(milliseconds=1), request_timeout=timedelta(seconds=0.2), min_free_bytes=0)


def trades(count: int, start: int = 0) -> Iterator[Row]:
    """Yield market data, numbered."""
    for number in range(start, start + count):
        yield Row("trades", NOON + number, {"venue": "okx", "symbol": "X", "trade_id": f"t{number}"})


def fill(number: int) -> Row:
    """Return a row of the critical lane."""
    return Row("fills", NOON + number, {"venue": "okx", "symbol": "X", "trade_id": f"f{number}"})


def ids(lines: list[bytes]) -> list[str]:
    """Return the trade ids of lines."""
    return [line.split(b'trade_id="')[1].split(b'"')[0].decode() for line in lines]


def bad_line(line: int, message: str = "cannot cast") -> Reply:
    """Return the server's refusal of a row."""
    return Reply(400, json.dumps({"code": "invalid", "message": message, "line": line, "errorId": "x"}))


@pytest.mark.parametrize(
    "trouble",
    [Reply(500, "internal error"), Reply(503), Reply(0), Reply(204, after=0.4), Reply(401), Reply(421)],
    ids=["500", "503", "cut", "too late", "401", "421"],
)
async def test_the_same_bytes_are_sent_again_until_they_are_taken(trouble: Reply, tmp_path: Path) -> None:
    """Nobody knows whether a batch that was not acknowledged is stored: only the same bytes are harmless."""
    async with scripted(trouble, trouble) as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        writer.write(trades(3))
        await until(lambda: writer.status().bulk.sent_rows == 3)
        assert len(door.seen) == 3
        assert len(set(door.seen)) == 1
        assert writer.status().bulk.trouble == ""
        assert writer.status().rejects == 0


async def test_a_refused_row_is_listed_and_the_rest_is_stored(tmp_path: Path) -> None:
    """Several of them in one batch, the first and the last too; each costs itself alone."""
    bad = {0, 4, 5, 9}

    def answer(body: bytes) -> Reply:
        found = [n for n, one in enumerate(ids(body.splitlines()), 1) if int(one[1:]) in bad]
        return bad_line(found[0]) if found else OK

    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        door.answer = answer
        writer.write(trades(10))
        await until(lambda: writer.status().bulk.sent_rows == 6)
        assert ids(door.lines) == ["t1", "t2", "t3", "t6", "t7", "t8"]
        assert writer.status().rejects == 4


async def test_a_table_that_is_wrong_altogether_costs_two_requests_a_row(tmp_path: Path) -> None:
    """Not the whole batch for each row: a thousand bad rows would be half a million lines."""
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        door.answer = lambda _body: bad_line(1, "no such table")
        writer.write(trades(50))
        await until(lambda: writer.status().rejects == 50)
        assert len(door.seen) == 50
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        assert writer.status().spool_rows == 0


@pytest.mark.parametrize("odd", [Reply(400, "bad request"), bad_line(0), bad_line(99), Reply(400, "[]")])
async def test_a_refusal_that_names_no_row_loses_none(odd: Reply, tmp_path: Path) -> None:
    """It is said that the server refuses, and the batch waits for the next try or the next start."""
    async with scripted(odd) as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        writer.write(trades(2))
        await until(lambda: writer.status().bulk.trouble != "")
        assert "400" in writer.status().bulk.trouble
        assert writer.status().rejects == 0
        assert writer.status().spool_rows == 2
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        await until(lambda: writer.status().spool_rows == 0)
        assert ids(door.lines) == ["t0", "t1"]


async def test_wrong_credentials_are_told_with_what_to_mend(tmp_path: Path) -> None:
    """The rows wait meanwhile."""
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        door.answer = lambda _body: Reply(401)
        writer.write(trades(1))
        await until(lambda: "database.password" in writer.status().bulk.trouble)
        assert writer.status().spool_rows == 1
        assert writer.status().oldest_unsent_s >= 0.0


async def test_fills_pass_while_market_data_is_stuck(tmp_path: Path) -> None:
    """The lanes share neither a spool nor a request."""
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        door.answer = lambda body: Reply(500) if body.startswith(b"trades") else OK
        writer.write(trades(1000))
        await until(lambda: writer.status().bulk.trouble != "")
        writer.write([fill(1)])
        await writer.flush()
        await until(lambda: writer.status().critical.sent_rows == 1)
        assert ids(door.lines) == ["f1"]
        assert writer.status().bulk.sent_rows == 0
        assert writer.status().critical.trouble == ""


async def test_rows_leave_in_their_order_through_an_outage(tmp_path: Path) -> None:
    """From memory, then from disk when memory is full, then from memory again."""
    total = 3 * CACHE_BATCHES
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        door.answer = lambda _body: Reply(503)
        for number in range(total):
            writer.write(trades(1, number))
            await writer.flush()
        door.answer = lambda _body: OK
        for number in range(total, 2 * total):
            writer.write(trades(1, number))
            await writer.flush()
        await until(lambda: writer.status().spool_rows == 0)
        for number in range(2 * total, 2 * total + 5):
            writer.write(trades(1, number))
            await writer.flush()
        await until(lambda: writer.status().spool_rows == 0)
    assert ids(door.lines) == [f"t{n}" for n in range(2 * total + 5)]


async def test_a_batch_is_never_larger_than_it_may_be(tmp_path: Path) -> None:
    """Also when a caller hands over everything at once."""
    settings = QUICK.model_copy(update={"batch_rows": 7})
    async with scripted() as door, writing(tmp_path, door.address, settings, CLOCK) as writer:
        writer.write(trades(50))
        await writer.flush()
        await until(lambda: writer.status().bulk.sent_rows == 50)
    assert [len(body.splitlines()) for body in door.accepted] == [7] * 7 + [1]
    assert ids(door.lines) == [f"t{n}" for n in range(50)]


async def test_what_the_database_did_not_take_waits_for_the_next_start(tmp_path: Path) -> None:
    """A stop while the database is away keeps every row, in both lanes, and the next start sends them first."""
    async with writing(tmp_path, NOWHERE, QUICK, CLOCK) as writer:
        writer.write(trades(10))
        writer.write([fill(1)])
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        assert writer.status().spool_rows == 11
        writer.write(trades(1, 10))
        await until(lambda: writer.status().spool_rows == 0)
    assert sorted(ids(door.lines)) == sorted(["f1", *(f"t{n}" for n in range(11))])
    assert ids(door.lines)[-1] == "t10" or ids(door.lines)[-2:] == ["t10", "f1"]


async def test_flush_returns_while_the_database_is_away(tmp_path: Path) -> None:
    """Durable is on disk; a caller must never wait for the database."""
    async with writing(tmp_path, NOWHERE, QUICK, CLOCK) as writer:
        writer.write([fill(1)])
        async with asyncio.timeout(5):
            await writer.flush()
        assert writer.status().critical.open_rows == 0
        assert writer.status().critical.spool_rows == 1


async def test_the_oldest_market_data_goes_when_too_much_waits(tmp_path: Path) -> None:
    """Counted and told; what is on its way stays, fills stay, and what is left arrives in order."""
    settings = QUICK.model_copy(update={"bulk_spool_bytes": 2_000})
    async with scripted() as door, writing(tmp_path, door.address, settings, CLOCK) as writer:
        door.answer = lambda _body: Reply(503)
        writer.write([fill(n) for n in range(100)])
        for number in range(100):
            writer.write(trades(1, number))
            await writer.flush()
        await until(lambda: writer.status().bulk.spool_bytes <= 2_000)
        status = writer.status()
        assert status.bulk.dropped_rows + status.bulk.spool_rows == 100
        assert status.critical.spool_rows == 100
        door.answer = lambda _body: OK
        await until(lambda: writer.status().spool_rows == 0)
        assert writer.status().bulk.dropped_rows == status.bulk.dropped_rows
    market = [one for one in ids(door.lines) if one.startswith("t")]
    assert len(market) == status.bulk.spool_rows
    assert market == ["t0", *(f"t{n}" for n in range(status.bulk.dropped_rows + 1, 100))]


async def test_a_batch_above_the_whole_cap_is_given_up_and_the_lane_goes_on(tmp_path: Path) -> None:
    """The next rows are sent as if nothing had been there."""
    settings = QUICK.model_copy(update={"bulk_spool_bytes": 500})
    async with scripted(Reply(503), Reply(503)) as door, writing(tmp_path, door.address, settings, CLOCK) as writer:
        writer.write(trades(1))
        await until(lambda: len(door.seen) == 1)
        writer.write(trades(100, 1))
        await writer.flush()
        await until(lambda: writer.status().bulk.dropped_rows == 100)
        writer.write(trades(1, 101))
        await writer.flush()
        await until(lambda: writer.status().spool_rows == 0)
    assert ids(door.lines) == ["t0", "t101"]


async def test_rows_that_fit_nothing_are_listed_with_their_reason(tmp_path: Path) -> None:
    """A wrong table, column or value costs that row; it is still there after a restart."""
    good = next(trades(1))
    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        writer.write(
            [Row("nowhere", NOON, {}), good, Row("trades", NOON, {"price": "x"}), Row("trades", 0, {"qty": 1})]
        )
        assert writer.status().rejects == 3
        await until(lambda: writer.status().bulk.sent_rows == 1)
    assert ids(door.lines) == ["t0"]
    async with writing(tmp_path, NOWHERE, QUICK, CLOCK) as writer:
        assert writer.status().rejects == 3


async def test_market_data_waits_while_the_volume_is_nearly_full(tmp_path: Path) -> None:
    """And takes no more of what space is left; fills still pass."""
    settings = QUICK.model_copy(update={"min_free_bytes": 10**18})
    async with scripted() as door, writing(tmp_path, door.address, settings, CLOCK) as writer:
        await until(lambda: writer.status().bulk.held)
        for number in range(5):
            writer.write(trades(1, number))
            await writer.flush()
        writer.write([fill(1)])
        await until(lambda: writer.status().critical.sent_rows == 1)
        await until(lambda: writer.status().bulk.dropped_rows == 5)
    assert ids(door.lines) == ["f1"]


async def test_rows_before_an_error_of_the_caller_are_taken(tmp_path: Path) -> None:
    """The caller hears of its error; what it had given is durable like any other row."""

    def failing() -> Iterator[Row]:
        yield from trades(3)
        raise LookupError

    async with scripted() as door, writing(tmp_path, door.address, QUICK, CLOCK) as writer:
        with pytest.raises(LookupError):
            writer.write(failing())
        await writer.flush()
        await until(lambda: writer.status().bulk.sent_rows == 3)
    assert ids(door.lines) == ["t0", "t1", "t2"]
