"""What one tenant may have under its keys: the promise holds for each, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from devmesh.http.repeat import Answer, Asked
from devmesh.idempotency import bounds
from devmesh.idempotency.bounds import Bounds, TooManyIdempotencyKeys
from devmesh.idempotency.model import AlreadyDone
from devmesh.idempotency.service import Idempotency
from idempotency.test_turns import caller, things

if TYPE_CHECKING:
    from devmesh.access import Caller
    from idempotency.conftest import Client
    from idempotency.test_turns import Things
    from running import Organization

__all__ = ["caller", "things"]
REPLY = 1000


def bounded(organization: Organization, **bound: int) -> Idempotency:
    app, kept = organization.mesh.app, organization.mesh.app.once
    return Idempotency(
        app.database,
        app.ring,
        app.data_keys,
        kept._directory,
        kept._tenants,
        kept._records.users,
        bounds=Bounds(**bound),
    )


def asked(number: int) -> Asked:
    return Asked(f"key {number}", ("POST", "/things"), b"")


async def reply() -> Answer:
    return Answer(200, [], b"x" * REPLY, "7")


async def test_beyond_the_bound_a_new_key_is_refused_and_an_old_one_keeps_its_promise(
    organization: Organization, caller: Caller, things: Things, monkeypatch: pytest.MonkeyPatch
):
    once = bounded(organization, most_keys=3)
    for number in range(3):
        await (await once.begin(caller, asked(number), outside=False)).act(reply, keep=True)
    with pytest.raises(TooManyIdempotencyKeys) as refused:
        await once.begin(caller, asked(3), outside=False)
    assert 0 < refused.value.retry_after <= 10
    for number in range(3):
        assert (await (await once.begin(caller, asked(number), outside=False)).again(None)).object_id == "7"
    # The refusal claimed nothing, and what expires makes room.
    async with things.db.acting(caller.organization_id) as tx:
        assert await tx.value("select count(*) from idempotency_keys") == 3
        await tx.run("update idempotency_keys set expires_at = now() where state = 'kept'")
    monkeypatch.setattr(bounds, "_FULL_SECONDS", 0.0)
    await once._tidy()
    assert (await once.begin(caller, asked(3), outside=False)).ours


async def test_one_tenants_keys_are_not_counted_for_another_ones(
    organization: Organization, caller: Caller, things: Things
):
    once = bounded(organization, most_keys=1)
    await (await once.begin(caller, asked(0), outside=False)).act(things.make, keep=True)
    async with things.db.acting(caller.organization_id) as tx:
        other: UUID = await tx.value("select id from tenants where slug like 'thing-%'")
    assert (await once.begin(msgspec.structs.replace(caller, tenant_id=other), asked(0), outside=False)).ours
    with pytest.raises(TooManyIdempotencyKeys):
        await once.begin(caller, asked(1), outside=False)


async def test_beyond_the_bound_the_oldest_replies_go_and_nothing_is_done_twice(
    organization: Organization, caller: Caller, things: Things
):
    once = bounded(organization, most_bytes=5 * REPLY)
    for number in range(12):
        await (await once.begin(caller, asked(number), outside=False)).act(reply, keep=True)
    async with things.db.acting(caller.organization_id) as tx:
        rows = await tx.all("select state, octet_length(sealed) as size from idempotency_keys order by created_at")
    kept = [row["size"] for row in rows if row["state"] == "kept"]
    assert [row["state"] for row in rows] == ["told"] * (12 - len(kept)) + ["kept"] * len(kept)
    assert len(kept) == 4
    assert sum(kept) <= 5 * REPLY
    assert (await (await once.begin(caller, asked(11), outside=False)).again(None)).body == b"x" * REPLY
    turn = await once.begin(caller, asked(0), outside=False)
    assert not turn.ours
    with pytest.raises(AlreadyDone) as done:
        await turn.again(None)
    assert done.value.extra == {"id": "7"}


async def test_a_small_reply_costs_no_look_at_the_others(client: Client, monkeypatch: pytest.MonkeyPatch):
    looks = []

    async def shed(*_: object) -> int:
        looks.append(1)
        return 0

    monkeypatch.setattr(bounds.store, "shed", shed)
    for number in range(5):
        body = {"name": f"Team {number}", "slug": f"team-{number}"}
        assert (await client.post("/api/v1/tenants", body, f"key-{number}")).status == 201
    assert looks == []
