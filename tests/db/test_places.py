"""One organization's burst: it has its part of the connections, and another one's request does not wait for it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from devmesh.db.embedded import Embedded
from devmesh.db.places import Places
from devmesh.db.pool import Database, DatabaseAway
from devmesh.ids import new_id

SIZE = 4


async def used(places: Places, owner: object) -> bool:
    """Return whether the owner is given a place at once; it is given back."""
    try:
        await places.take(owner, 0.01)
    except TimeoutError:
        return False
    places.give(owner)
    return True


async def test_one_owner_takes_three_in_four_and_the_rest_stays_for_others():
    places = Places(8)
    for _ in range(6):
        await places.take("greedy", 0)
    assert not await used(places, "greedy")
    assert await used(places, "other")
    places.give("greedy")
    assert await used(places, "greedy")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 10])
async def test_every_pool_serves_and_a_pool_of_two_or_more_keeps_one_free(size: int):
    places = Places(size)
    for _ in range(max(1, size - max(1, size // 4))):
        await places.take("greedy", 0)
    assert not await used(places, "greedy")
    assert await used(places, "other") == (size > 1)


async def test_a_place_that_comes_free_goes_to_whoever_has_fewest_and_in_turn():
    places, served = Places(SIZE), []

    async def ask(owner: str) -> None:
        await places.take(owner, 5)
        served.append(owner)

    held = ["a", "a", "a", "b"]
    for owner in held:
        await places.take(owner, 0)
    asking = [asyncio.create_task(ask(owner)) for owner in ("a", "a", "b", "c", "d", "c")]
    await asyncio.sleep(0)
    for _ in range(3):
        places.give("a")
    await asyncio.sleep(0)
    # Those who have nothing first, each once, and then in turn who has as few as the others.
    assert served == ["c", "d", "a"]
    places.give("b")
    places.give("c")
    places.give("d")
    await asyncio.gather(*asking)
    assert sorted(served) == ["a", "a", "b", "c", "c", "d"]


async def test_whoever_gives_up_waiting_takes_no_place_with_them():
    places = Places(SIZE)
    for owner in ("a", "a", "a", "b"):
        await places.take(owner, 0)
    for given_before in (False, True):
        waiting = asyncio.create_task(places.take("c", 5))
        await asyncio.sleep(0)
        if given_before:
            places.give("b")  # it is theirs, and they have not been told yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await used(places, "b")
    assert not places._waiting


async def test_another_organization_is_served_while_one_floods(postgres: Embedded):
    database, greedy, other = Database(postgres.app_dsn, size=SIZE), new_id(), new_id()
    await database.open()

    served = asyncio.Event()

    async def stay(organization_id: UUID) -> None:
        async with database.acting(organization_id):
            await served.wait()

    flood = [asyncio.create_task(stay(greedy)) for _ in range(30)]
    await asyncio.sleep(0.05)
    # Whoever queued behind the flood would never be served: it stays until they are.
    async with database.acting(other) as tx:
        assert await tx.value("select 1") == 1
    served.set()
    await asyncio.gather(*flood)
    await database.close()


async def test_whoever_waits_too_long_hears_that_the_database_does_not_answer(
    postgres: Embedded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("devmesh.db.pool._ACQUIRE_SECONDS", 1)
    database, greedy = Database(postgres.app_dsn, size=1), new_id()
    await database.open()
    async with database.acting(greedy):
        with pytest.raises(DatabaseAway):
            async with database.acting(greedy):
                pass
    async with database.acting(greedy) as tx:
        assert await tx.value("select 1") == 1
    await database.close()
