"""What a lane relies on, of the spool on disk and of the one in memory."""

from array import array
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.encode import Encoded
from storage.schema import Lane
from storage.spool import Backlog, Batch, Dropped, Spool, SqliteSpool
from tests.fakes.spool import FakeSpool

KINDS = ("fake", *Lane)


def encoded(text: bytes, rows: int = 1) -> Encoded:
    """Return a batch of equal rows."""
    return Encoded(text * rows, array("I", (len(text) * (n + 1) for n in range(rows))))


async def opened(kind: str, folder: Path) -> Spool:
    """Return a spool of a kind."""
    return FakeSpool() if kind == "fake" else await SqliteSpool.open(folder, Lane(kind))


@pytest.fixture(params=KINDS)
async def spool(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Spool]:
    """A spool of each kind."""
    made = await opened(request.param, tmp_path)
    yield made
    await made.close()


async def filled(spool: Spool, *batches: Encoded) -> list[Batch]:
    """Append batches, a second apart."""
    return [await spool.append(batch, number * 10) for number, batch in enumerate(batches, 1)]


async def waiting(spool: Spool) -> list[Batch]:
    """Return everything that waits, in order."""
    found: list[Batch] = []
    while batch := await spool.oldest(after=found[-1].id if found else 0):
        found.append(batch)
    return found


async def test_batches_come_back_as_they_were_in_their_order(spool: Spool) -> None:
    """Bytes, row ends, time, and ids that only grow."""
    kept = await filled(spool, encoded(b"\x00a\n", 3), encoded(b"b", 1), encoded("ü".encode(), 2))
    assert await waiting(spool) == kept
    assert [batch.rows for batch in kept] == [3, 1, 2]
    assert sorted({batch.id for batch in kept}) == [batch.id for batch in kept]


async def test_what_is_done_does_not_come_again(spool: Spool) -> None:
    """Also when it is said twice, and its id is not used again."""
    one, two = await filled(spool, encoded(b"one"), encoded(b"two"))
    await spool.done([one.id, one.id])
    await spool.done([one.id])
    assert await waiting(spool) == [two]
    await spool.done([two.id])
    (three,) = await filled(spool, encoded(b"three"))
    assert three.id > two.id
    assert await waiting(spool) == [three]


async def test_the_backlog_counts_what_waits(spool: Spool) -> None:
    """Batches, rows, bytes, and the age of the oldest."""
    assert spool.backlog() == Backlog(0, 0, 0, None)
    one, two = await filled(spool, encoded(b"12345", 2), encoded(b"123", 3))
    assert spool.backlog() == Backlog(2, 5, 19, 10)
    await spool.done([one.id])
    assert spool.backlog() == Backlog(1, 3, 9, 20)
    await spool.done([two.id])
    assert spool.backlog() == Backlog(0, 0, 0, None)


async def test_the_oldest_go_first_and_no_more_than_needed(spool: Spool) -> None:
    """Rows are counted, and the backlog knows."""
    kept = await filled(spool, encoded(b"1234567890", 2), encoded(b"1234567890", 1), encoded(b"1234567890", 4))
    assert await spool.drop_oldest(100) == Dropped(0, 0)
    assert await spool.drop_oldest(50) == Dropped(2, kept[0].id)
    assert await spool.drop_oldest(45) == Dropped(1, kept[1].id)
    assert spool.backlog() == Backlog(1, 4, 40, 30)
    assert await waiting(spool) == kept[2:]


async def test_what_is_on_its_way_is_not_dropped(spool: Spool) -> None:
    """A batch in flight may be in the database already: dropping it would count it twice."""
    kept = await filled(spool, encoded(b"1234567890"), encoded(b"1234567890"))
    assert await spool.drop_oldest(0, after=kept[0].id) == Dropped(1, kept[1].id)
    assert await waiting(spool) == kept[:1]
    assert await spool.drop_oldest(0, after=kept[0].id) == Dropped(0, kept[0].id)


@pytest.mark.parametrize("lane", Lane)
async def test_what_waits_is_there_after_reopening(lane: Lane, tmp_path: Path) -> None:
    """The file is all that a new process has; ids go on where they were."""
    first = await SqliteSpool.open(tmp_path, lane)
    kept = await filled(first, encoded(b"one", 3), encoded(b"two", 2))
    await first.done([kept[0].id])
    await first.close()
    second = await SqliteSpool.open(tmp_path, lane)
    assert await waiting(second) == kept[1:]
    assert second.backlog() == Backlog(1, 2, 6, 20)
    assert (await second.append(encoded(b"three"), 30)).id > kept[1].id
    await second.close()


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4)),
        st.tuples(st.just("done"), st.integers(1, 8)),
        st.tuples(st.just("drop"), st.integers(0, 40)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS)
async def test_both_say_the_same_whatever_is_asked(
    tmp_path_factory: pytest.TempPathFactory, actions: Sequence[tuple[str, int]]
) -> None:
    """Any order of calls gives the same batches and the same counts in memory and on disk."""
    fake, real = FakeSpool(), await SqliteSpool.open(tmp_path_factory.mktemp("spool"), Lane.BULK)
    try:
        for moment, (action, number) in enumerate(actions, 1):
            for spool in (fake, real):
                if action == "append":
                    await spool.append(encoded(b"12345", number), moment)
                elif action == "done":
                    await spool.done([number])
            if action == "drop":
                assert await fake.drop_oldest(number, after=1) == await real.drop_oldest(number, after=1)
            assert fake.backlog() == real.backlog()
        assert await waiting(fake) == await waiting(real)
    finally:
        await real.close()
