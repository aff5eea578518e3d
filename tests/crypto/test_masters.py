"""The master key's versions: who can open what, for how long, and what another place or key cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from crypto.own_database import happens
from crypto.stand_in import Clock, StandInKms
from devmesh.crypto import masters as module
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.kms import KmsError, LocalKms, kept_in
from devmesh.crypto.masters import MasterKeys, VaultClosed, WrongMasterKey
from devmesh.crypto.ring import PURPOSES, KeyRing
from devmesh.crypto.sealing import new_key, place, seal
from devmesh.db.pool import Database


async def test_a_ring_made_before_there_were_versions_opens_with_the_key_that_wrapped_it(empty: Database):
    database, key = empty, new_key()
    pepper = new_key()
    async with database.routing() as tx:
        wrapped = seal(key, pepper, place("wrap", "ring", "keys", 1))
        await tx.run("insert into ring_keys (purpose, version, wrapped) values ('keys', 1, $1)", wrapped)
    with pytest.raises(WrongMasterKey):
        await KeyRing(MasterKeys(LocalKms(new_key()))).open(database)
    masters = MasterKeys(LocalKms(key))
    ring = KeyRing(masters)
    async with database.routing() as tx:
        await masters.check(tx)
    await ring.open(database)
    assert ring._secrets["keys"] == {1: pepper}
    # What comes with a program of today is wrapped by the same version, and says so.
    async with database.routing() as tx:
        rows = await tx.all("select purpose, wrapped from ring_keys")
        versions = await tx.all("select version, kms, wrapped from master_keys")
    assert {len(row["wrapped"]) for row in rows if row["purpose"] != "keys"} == {64}
    assert [tuple(row) for row in versions] == [(1, LocalKms(key).name, None)]
    again = KeyRing(MasterKeys(LocalKms(key)))
    await again.open(database)
    assert again.digest("mail", b"x") == ring.digest("mail", b"x")


async def test_two_processes_that_start_at_once_make_one_version(empty: Database):
    database, kms = empty, StandInKms()
    rings = [KeyRing(MasterKeys(kms)) for _ in range(4)]
    await asyncio.gather(*(ring.open(database) for ring in rings))
    assert len({ring.digest(purpose, b"x") for ring in rings for purpose in PURPOSES}) == len(PURPOSES)
    async with database.routing() as tx:
        assert await tx.value("select count(*) from master_keys") == 1


async def test_another_key_another_kms_and_an_altered_row_open_nothing(empty: Database):
    database, key = empty, new_key()
    await KeyRing(MasterKeys(LocalKms(key))).open(database)
    for wrong in (LocalKms(new_key()), StandInKms()):
        masters = MasterKeys(wrong)
        with pytest.raises(WrongMasterKey):
            await masters.open(database)
        async with database.routing() as tx:
            with pytest.raises(WrongMasterKey):
                await masters.check(tx)
    masters = MasterKeys(StandInKms(), LocalKms(key))
    await masters.open(database)
    wrapped = masters.wrap(1, new_key(), "data", "here")
    masters.unwrap(wrapped, "data", "here")
    with pytest.raises(WrongMasterKey):
        masters.unwrap(wrapped, "data", "there")
    with pytest.raises(WrongMasterKey):
        masters.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), "data", "here")
    with pytest.raises(VaultClosed):
        masters.unwrap(b"\0\0\0\2" + wrapped[4:], "data", "here")


async def test_a_disabled_kms_key_closes_the_vault_within_ten_minutes_and_an_enabled_one_opens_it(
    empty: Database, clock: Clock
):
    database, kms = empty, StandInKms()
    masters = MasterKeys(kms)
    ring = KeyRing(masters)
    await ring.open(database)
    data_keys = DataKeys(ring)
    row = (uuid4(), uuid4(), uuid4())
    key = new_key()
    wrapped = masters.wrap(1, key, "data", *row)
    assert data_keys.unwrap(*row, wrapped) == key
    asked = kms.unwrapped
    for _ in range(1000):
        data_keys.unwrap(*row, wrapped)
    assert kms.unwrapped == asked, "the KMS is not asked for a call"

    kms.enabled = False
    clock.now += 590
    # Opened shortly before the end: this does not prolong the ten minutes.
    other = (uuid4(), uuid4(), uuid4())
    late = masters.wrap(1, key, "data", *other)
    assert data_keys.unwrap(*other, late) == key
    with pytest.raises(KmsError):
        await masters.refresh(database)
    clock.now += 10
    for place_, sealed in ((row, wrapped), (other, late)):
        with pytest.raises(VaultClosed):
            data_keys.unwrap(*place_, sealed)
    with pytest.raises(VaultClosed):
        masters.wrap(1, key, "data", *row)
    masters.forget_old()
    data_keys.forget_old()
    assert (masters._held, dict(data_keys._unwrapped)) == ({}, {})

    kms.enabled = True
    await masters.refresh(database)
    assert data_keys.unwrap(*row, wrapped) == key


async def test_a_kms_that_confirms_keeps_the_vault_open(empty: Database, clock: Clock):
    database, kms = empty, StandInKms()
    masters = MasterKeys(kms)
    await masters.open(database)
    wrapped = masters.wrap(1, new_key(), "data", "here")
    for _ in range(10):
        clock.now += 300
        await masters.refresh(database)
        masters.unwrap(wrapped, "data", "here")


async def test_the_kms_is_asked_by_the_watch_and_at_once_when_a_version_is_missing(
    empty: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(module, "_CONFIRM_SECONDS", 0.05)
    database, kms = empty, StandInKms()
    masters = MasterKeys(kms)
    await masters.open(database)
    watching = asyncio.create_task(masters.watch(database))
    asked = kms.unwrapped
    await happens(lambda: kms.unwrapped >= asked + 3)
    kms.enabled = False
    monkeypatch.setattr(module, "HELD_SECONDS", 0.0)
    await happens(lambda: not masters._held)
    monkeypatch.undo()
    kms.enabled = True
    with pytest.raises(VaultClosed):
        masters.wrap(1, new_key(), "data", "here")
    await happens(lambda: masters._held)
    watching.cancel()
    await asyncio.wait([watching])


def test_a_file_may_hold_former_keys_behind_the_present_one(tmp_path: Path):
    file = tmp_path / "master.key"
    assert kept_in(file) == []
    file.write_text("A" * 43 + "=\n" + "B" * 42 + "A=\n")
    present, former = kept_in(file)
    assert (present.name, former.name) == (LocalKms(bytes(32)).name, former.name)
    file.write_text("A" * 43 + "=\nno key\n")
    assert kept_in(file) == []


def test_no_key_is_shown():
    key = new_key()
    kms = LocalKms(key)
    assert repr(kms) == f"LocalKms({kms.name})"
    assert key.hex() not in repr(MasterKeys(kms)) + kms.name
