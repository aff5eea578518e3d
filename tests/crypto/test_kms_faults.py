"""A KMS that gives back nonsense, may only wrap, is another one or does not answer: what the vault makes of it."""

from __future__ import annotations

import asyncio

import pytest

from crypto.own_database import happens
from crypto.stand_in import Clock, StandInKms
from devmesh.crypto import masters as module
from devmesh.crypto import store_master
from devmesh.crypto.kms import KmsError, LocalKms
from devmesh.crypto.masters import MasterKeys, VaultClosed
from devmesh.crypto.sealing import new_key
from devmesh.db.pool import Database


@pytest.mark.parametrize("given", [b"", b"x" * 16, b"x" * 31, b"x" * 64])
async def test_what_is_no_key_is_not_used_as_one_and_the_watch_asks_again(
    empty: Database, monkeypatch: pytest.MonkeyPatch, given: bytes
):
    monkeypatch.setattr(module, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(module, "_CONFIRM_SECONDS", 0.05)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    database, kms = empty, StandInKms()
    masters = MasterKeys(kms)
    await masters.open(database)
    wrapped = masters.wrap(1, new_key(), "data", "here")
    watching = asyncio.create_task(masters.watch(database))
    kms.gives = given
    asked = kms.unwrapped
    await happens(lambda: kms.unwrapped >= asked + 3)
    masters.unwrap(wrapped, "data", "here")
    kms.gives = None
    asked = kms.unwrapped
    await happens(lambda: kms.unwrapped >= asked + 2)
    masters.unwrap(wrapped, "data", "here")
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_kms_that_may_only_wrap_or_gives_back_another_key_makes_no_version(empty: Database):
    kms = StandInKms()
    kms.opens = False
    with pytest.raises(KmsError, match="access denied"):
        await MasterKeys(kms).open(empty)
    kms.opens, kms.gives = True, new_key()
    with pytest.raises(KmsError, match="another key"):
        await MasterKeys(kms).open(empty)
    async with empty.routing() as tx:
        assert await tx.value("select count(*) from master_keys") == 0


async def wrapped_by_a_second_version(empty: Database, masters: MasterKeys) -> bytes:
    async with empty.routing() as tx:
        made = await masters.make(2)
        await store_master.add(tx, made.version, made.kms, made.wrapped)
    await masters.refresh(empty)
    return masters.wrap(2, new_key(), "data", "here")


async def test_a_version_that_this_process_cannot_open_closes_the_vault_to_what_it_wrapped(empty: Database):
    kms, other = LocalKms(new_key()), StandInKms()
    masters, elsewhere = MasterKeys(kms), MasterKeys(other, kms)
    await masters.open(empty)
    late = await wrapped_by_a_second_version(empty, elsewhere)
    async with empty.routing() as tx:
        # It was never told of the KMS that keeps the new version; the former one opens what it wrapped.
        with pytest.raises(VaultClosed):
            await masters.prepare(tx, [late])
        with pytest.raises(VaultClosed):
            await masters.newest(tx)
        await masters.prepare(tx, [masters.wrap(1, new_key(), "data", "here")])
        await elsewhere.prepare(tx, [late])


async def test_a_kms_that_does_not_answer_keeps_few_calls_waiting_and_no_session_of_the_database(
    empty: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_CALL_SECONDS", 0.01)
    kms = StandInKms()
    masters, elsewhere = MasterKeys(kms), MasterKeys(kms)
    for each in (masters, elsewhere):
        await each.open(empty)
    late = await wrapped_by_a_second_version(empty, elsewhere)
    async with empty.routing() as tx:
        kms.silent, asked = True, kms.unwrapped
        for _ in range(20):
            with pytest.raises(VaultClosed):
                await masters.prepare(tx, [late])
        assert kms.unwrapped == asked + 1, "one call has waited, and nobody else"
        kms.silent = False
        clock.now += 60
        await masters.prepare(tx, [late])
        masters.unwrap(late, "data", "here")
