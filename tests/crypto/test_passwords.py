from __future__ import annotations

import asyncio
import threading

import pytest

from devmesh.crypto import passwords as hashing
from devmesh.crypto.passwords import Cost, Passwords, TooManyHashes

CHEAP = Cost(memory_kib=64, iterations=1)


async def test_a_hash_tells_its_cost_and_whether_it_is_todays():
    then, now = Passwords(CHEAP), Passwords(Cost(memory_kib=128, iterations=1))
    phc = await then.hash("a password")
    assert then.is_current(phc)
    assert not now.is_current(phc)
    assert not now.is_current("none")
    assert not now.is_hash("none")
    assert await now.matches("a password", phc)
    assert not await now.matches("another password", phc)


async def test_the_default_cost_is_owasps():
    assert "$m=19456,t=2,p=1$" in await Passwords().hash("a password")


async def test_a_decoy_costs_what_a_hash_costs_and_no_password_fits_it():
    passwords = Passwords(CHEAP)
    decoy = passwords.decoy()
    assert passwords.is_current(decoy)
    assert len(decoy) == len(await passwords.hash("a password"))
    assert not await passwords.matches("a password", decoy)
    assert decoy != passwords.decoy()


async def test_no_more_hashes_run_at_once_than_there_are_places_even_if_those_who_asked_have_left(monkeypatch):
    running, most, lock, done = 0, 0, threading.Lock(), threading.Event()

    def slow(*_: object) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        done.wait(60)
        with lock:
            running -= 1
        return "hash"

    monkeypatch.setattr(hashing, "_hash", slow)
    passwords = Passwords(CHEAP, at_once=2)
    gone = [asyncio.create_task(passwords.hash("x")) for _ in range(6)]
    while running < 2:  # noqa: ASYNC110 - threads are waited for
        await asyncio.sleep(0.01)
    for task in gone:
        task.cancel()
    waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(6)]
    await asyncio.sleep(0.1)
    assert most == 2
    done.set()
    assert await asyncio.gather(*waiting) == ["hash"] * 6
    assert most == 2


async def test_as_many_wait_as_may_and_the_next_is_told_when_to_come_again():
    passwords = Passwords(CHEAP, at_once=1, waiting=3)
    async with passwords.place():
        waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyHashes) as refused:
            await passwords.hash("x")
        assert refused.value.retry_after >= 1
    assert len(await asyncio.gather(*waiting)) == 3
    assert await passwords.hash("x")


async def test_those_who_leave_while_they_wait_make_room():
    passwords = Passwords(CHEAP, at_once=1, waiting=1)
    async with passwords.place():
        first = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        second = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
    assert await second
