"""Claims that outlive who made them: nothing is done twice, and nothing that was done is done as if it were not."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.db.pool import DatabaseAway, before_commit
from devmesh.errors import Conflict, InvalidKey, MeshError, NotFound
from devmesh.http.repeat import Answer, Asked, IdempotencyKeyInvalid, key_of
from devmesh.idempotency import service
from devmesh.idempotency.model import AlreadyDone, OutcomeUnknown, RequestInProgress
from devmesh.idempotency.service import Idempotency
from devmesh.upstream.errors import UpstreamTimeout, UpstreamUnreachable
from running import Organization
from sessions_people import new_person

ASKED = Asked("one", ("POST", "/things"), b"body")
DONE = Answer(201, [(b"x-a", b"b")], b"{}", "7")
# A test that waits for its end: a third of it is how often it is renewed, the rest how long a machine may stand still.
SHORT = timedelta(seconds=5)


@pytest.fixture
async def caller(organization: Organization) -> Caller:
    """The owner, by their first key."""
    _, profile = await organization.ask("GET", "/api/v1/auth/profile")
    return Caller(
        organization_id=UUID(organization.id),
        organization_slug=organization.slug,
        tenant_id=UUID(organization.id),
        user_id=UUID(profile["id"]),
        role=Role.OWNER,
        rights=Rights(["admin"], "owner"),
        person=Person("ada@example.com", "Ada", "t", "t"),
        allowance=Allowance(100, 60),
    )


@pytest.fixture
def once(organization: Organization) -> Idempotency:
    """The service, with leases that a test may wait for."""
    app = organization.mesh.app
    kept = app.once
    return Idempotency(
        app.database, app.ring, app.data_keys, kept._directory, kept._tenants, kept._records.users, lease=SHORT
    )


async def lapse(once: Idempotency, caller: Caller) -> None:
    """Let the lease of what is under way be over, as time would."""
    async with once._db.acting(caller.organization_id) as tx:
        sql = "update idempotency_keys set leased_until = now() where organization_id = $1"
        assert await tx.run(sql, caller.organization_id) == 1


class Things:
    """An action of one transaction: it makes a tenant."""

    def __init__(self, organization: Organization, caller: Caller) -> None:
        self.db = organization.mesh.app.database
        self.caller = caller

    async def make(self, *, error: Exception | None = None, late: Exception | None = None) -> Answer:
        async with self.db.acting(self.caller.organization_id) as tx:
            slug = f"thing-{secrets.token_hex(4)}"
            await tx.run(
                "insert into tenants (id, organization_id, name, slug) values (gen_random_uuid(), $1, $2, $2)",
                self.caller.organization_id,
                slug,
            )
            if error:
                raise error
        if late:
            raise late
        return DONE

    async def count(self) -> int:
        async with self.db.acting(self.caller.organization_id) as tx:
            sql = "select count(*) from tenants where organization_id = $1 and slug like 'thing-%'"
            return await tx.value(sql, self.caller.organization_id)


@pytest.fixture
def things(organization: Organization, caller: Caller) -> Things:
    return Things(organization, caller)


async def dead(once: Idempotency, caller: Caller, *, outside: bool = False) -> None:
    """Leave a claim behind, as a process does that is killed before it acts; its lease is over."""
    turn = await once.begin(caller, ASKED, outside=outside)
    assert turn.ours
    await lapse(once, caller)


async def again(once: Idempotency, caller: Caller, *, outside: bool = False) -> Answer:
    turn = await once.begin(caller, ASKED, outside=outside)
    assert not turn.ours
    return await turn.again(None)


async def test_who_dies_before_anything_is_committed_is_replaced(once: Idempotency, caller: Caller, things: Things):
    await dead(once, caller)
    turn = await once.begin(caller, ASKED, outside=False)
    assert turn.ours
    assert await turn.act(things.make, keep=True) == DONE
    assert await again(once, caller) == DONE
    assert await things.count() == 1


async def test_who_dies_after_the_commit_is_not_replaced(once: Idempotency, caller: Caller, things: Things):
    turn = await once.begin(caller, ASKED, outside=False)
    with before_commit(turn._mark):
        await things.make()
    with pytest.raises(RequestInProgress):
        await again(once, caller)
    await lapse(once, caller)
    with pytest.raises(AlreadyDone, match="its reply was lost"):
        await again(once, caller)
    assert await things.count() == 1


async def test_who_was_taken_for_dead_commits_nothing(once: Idempotency, caller: Caller, things: Things):
    frozen = await once.begin(caller, ASKED, outside=False)
    await lapse(once, caller)
    turn = await once.begin(caller, ASKED, outside=False)
    assert turn.ours
    with pytest.raises(RequestInProgress):
        await frozen.act(things.make, keep=True)
    assert await things.count() == 0
    await turn.act(things.make, keep=True)
    assert await again(once, caller) == DONE
    assert await things.count() == 1


async def test_who_was_taken_for_dead_writes_no_reply(once: Idempotency, caller: Caller, things: Things):
    frozen = await once.begin(caller, ASKED, outside=False)
    await lapse(once, caller)
    turn = await once.begin(caller, ASKED, outside=False)
    await turn.act(things.make, keep=True)

    async def other() -> Answer:
        return Answer(200, [], b"other")

    await frozen.act(other, keep=True)
    assert await again(once, caller) == DONE


async def test_a_long_action_keeps_its_lease(once: Idempotency, caller: Caller):
    go = asyncio.Event()
    turn = await once.begin(caller, ASKED, outside=False)

    async def slowly() -> Answer:
        await go.wait()
        return DONE

    acting = asyncio.create_task(turn.act(slowly, keep=True))
    await asyncio.sleep(SHORT.total_seconds() + 0.1)
    with pytest.raises(RequestInProgress):
        await again(once, caller)
    go.set()
    assert await acting == DONE


async def test_a_lease_ends_by_itself(once: Idempotency, caller: Caller):
    assert (await once.begin(caller, ASKED, outside=False)).ours
    assert not (await once.begin(caller, ASKED, outside=False)).ours
    await asyncio.sleep(SHORT.total_seconds() + 0.1)
    assert (await once.begin(caller, ASKED, outside=False)).ours


async def test_what_acted_outside_never_acts_again(once: Idempotency, caller: Caller):
    await dead(once, caller, outside=True)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="ended without an answer"):
            await again(once, caller, outside=True)


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (UpstreamTimeout("late", wrote=True), True),
        (UpstreamTimeout("late", wrote=False), False),
        (UpstreamUnreachable(), False),
        (NotFound(), False),
        (RuntimeError("a fault of ours"), True),
        (asyncio.CancelledError(), True),
    ],
    ids=["written", "read", "unsent", "refused", "broken", "cut off"],
)
async def test_what_failed_outside_is_free_again_only_if_nothing_happened(
    once: Idempotency, caller: Caller, error: BaseException, *, unknown: bool
):
    turn = await once.begin(caller, ASKED, outside=True)

    async def fail() -> Answer:
        raise error

    with pytest.raises(type(error)):
        await turn.act(fail, keep=True)
    turn = await once.begin(caller, ASKED, outside=True)
    assert turn.ours is not unknown
    if unknown:
        with pytest.raises(OutcomeUnknown):
            await turn.again(None)


@pytest.mark.parametrize("error", [NotFound(), MeshError(), RuntimeError("ours"), DatabaseAway()], ids=repr)
async def test_what_failed_before_its_commit_is_free_again(
    once: Idempotency, caller: Caller, things: Things, error: Exception
):
    turn = await once.begin(caller, ASKED, outside=False)
    with pytest.raises(type(error)):
        await turn.act(lambda: things.make(error=error), keep=True)
    assert (await once.begin(caller, ASKED, outside=False)).ours
    assert await things.count() == 0


@pytest.mark.parametrize(("error", "done"), [(Conflict(), False), (RuntimeError("ours"), True)])
async def test_what_failed_after_its_commit_is_free_only_if_it_was_refused(
    once: Idempotency, caller: Caller, things: Things, error: Exception, *, done: bool
):
    turn = await once.begin(caller, ASKED, outside=False)
    with pytest.raises(type(error)):
        await turn.act(lambda: things.make(late=error), keep=True)
    turn = await once.begin(caller, ASKED, outside=False)
    assert turn.ours is not done
    if done:
        with pytest.raises(AlreadyDone):
            await turn.again(None)


async def test_a_change_in_any_transaction_counts_and_a_look_does_not(
    once: Idempotency, caller: Caller, organization: Organization
):
    db = organization.mesh.app.database

    async def state() -> str:
        async with db.acting(caller.organization_id) as tx:
            return await tx.value(
                "select state from idempotency_keys where organization_id = $1", caller.organization_id
            )

    async def act() -> Answer:
        assert await state() == "running"
        # One that sees no organization.
        async with db.routing() as tx:
            await tx.run("insert into mail_budgets values ($1, 'test', '{}', now())", secrets.token_bytes(32))
        assert await state() == "acted"
        return DONE

    await (await once.begin(caller, ASKED, outside=False)).act(act, keep=False)
    assert await state() == "told"


async def test_what_a_request_leaves_behind_acts_for_itself(once: Idempotency, caller: Caller, things: Things):
    go = asyncio.Event()

    async def later() -> None:
        await go.wait()
        await things.make()

    async def act() -> Answer:
        left.append(asyncio.create_task(later()))
        return DONE

    left: list[asyncio.Task[None]] = []
    await (await once.begin(caller, ASKED, outside=False)).act(act, keep=True)
    go.set()
    await left[0]
    assert await things.count() == 1
    assert await again(once, caller) == DONE


async def test_a_key_is_new_again_after_24_hours(once: Idempotency, caller: Caller, things: Things):
    await (await once.begin(caller, ASKED, outside=False)).act(things.make, keep=True)
    async with things.db.acting(caller.organization_id) as tx:
        assert await tx.value("select expires_at - created_at from idempotency_keys") == timedelta(hours=24)
        await tx.run(
            "update idempotency_keys set expires_at = now() where organization_id = $1", caller.organization_id
        )
    other = Asked("one", ("POST", "/things"), b"other")
    turn = await once.begin(caller, other, outside=False)
    assert turn.ours
    await turn.act(things.make, keep=True)
    assert await things.count() == 2
    assert await (await once.begin(caller, other, outside=False)).again(None) == DONE


async def test_expired_rows_are_removed_in_batches(
    once: Idempotency, caller: Caller, things: Things, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service, "_BATCH", 2)
    for number in range(5):
        asked = Asked(f"key {number}", ("POST", "/things"), b"")
        await (await once.begin(caller, asked, outside=False)).act(things.make, keep=True)
    async with things.db.acting(caller.organization_id) as tx:
        assert await tx.run("update idempotency_keys set expires_at = now()") == 5
    await (await once.begin(caller, ASKED, outside=False)).act(things.make, keep=True)
    await once._tidy()
    async with things.db.acting(caller.organization_id) as tx:
        left = await tx.all("select state from idempotency_keys")
    assert [row["state"] for row in left] == ["kept"]


async def test_a_reply_that_was_moved_does_not_open(once: Idempotency, caller: Caller, things: Things):
    async def other() -> Answer:
        return Answer(200, [], b"other")

    await (await once.begin(caller, ASKED, outside=False)).act(things.make, keep=True)
    await (await once.begin(caller, Asked("two", ASKED.route, b"body"), outside=False)).act(other, keep=True)
    async with things.db.acting(caller.organization_id) as tx:
        await tx.run(
            "update idempotency_keys a set sealed = b.sealed from idempotency_keys b "
            "where a.organization_id = $1 and b.organization_id = $1 and a.digest <> b.digest",
            caller.organization_id,
        )
    with pytest.raises(AlreadyDone):
        await again(once, caller)


async def test_whoever_is_removed_meanwhile_begins_nothing_and_is_told_nothing(
    once: Idempotency, organization: Organization, caller: Caller, things: Things
):
    person = await new_person(organization, Role.ADMIN)
    theirs = msgspec.structs.replace(caller, user_id=person.id)
    await (await once.begin(theirs, ASKED, outside=False)).act(things.make, keep=True)
    repeat = await once.begin(theirs, ASKED, outside=False)
    late = await once.begin(theirs, Asked("two", ASKED.route, b"body"), outside=False)
    assert (await organization.ask("DELETE", f"/api/v1/users/{person.id}"))[0] == 204
    with pytest.raises(InvalidKey):
        await once.begin(theirs, Asked("three", ASKED.route, b"body"), outside=False)
    with pytest.raises(AlreadyDone):
        await repeat.again(None)
    with pytest.raises(RequestInProgress):
        await late.act(things.make, keep=True)
    # What was destroyed with the person is not made anew to seal or to open a reply.
    async with things.db.acting(caller.organization_id) as tx:
        assert await tx.value("select count(*) from data_keys where user_id = $1", person.id) == 0


async def test_a_tenant_that_is_removed_meanwhile_has_no_more_claims(
    once: Idempotency, organization: Organization, caller: Caller
):
    _, made = await organization.ask("POST", "/api/v1/tenants", {"name": "Blue", "slug": "blue"})
    assert (await organization.ask("DELETE", f"/api/v1/tenants/{made['id']}"))[0] == 204
    with pytest.raises(InvalidKey):
        await once.begin(msgspec.structs.replace(caller, tenant_id=UUID(made["id"])), ASKED, outside=False)


def test_a_key_is_read_as_the_draft_writes_it():
    assert key_of(b'"8e03978e-40d5"') == key_of(b" 8e03978e-40d5\t") == "8e03978e-40d5"
    assert key_of(b'"a \\"b\\" \\\\"') == 'a "b" \\'
    for wrong in (b"", b'"', b'""', b'"a"; b', b"a\x7f", b"a\x00", b"\xe9", b"x" * 256, b'"' + b"x" * 256 + b'"'):
        with pytest.raises(IdempotencyKeyInvalid):
            key_of(wrong)
