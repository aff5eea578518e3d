"""Refresh tokens: each is spent once, a copied one ends the session, and none outlives its time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from devmesh.access import Role
from devmesh.sessions import model, service, store
from devmesh.sessions.model import IDLE_LIFETIME
from running import Organization
from sessions_people import Person, begin, new_person


async def age(person: Person, by: str) -> None:
    """Let that time pass for the session and its tokens."""

    async def change(tx: Any) -> None:
        one = person.tokens.session_id
        await tx.run(
            "update refresh_tokens set issued_at = issued_at - $2::text::interval, "
            "expires_at = expires_at - $2::text::interval, spent_at = spent_at - $2::text::interval "
            "where session_id = $1",
            one,
            by,
        )
        await tx.run(
            "update sessions set created_at = created_at - $2::text::interval, "
            "last_used_at = last_used_at - $2::text::interval, expires_at = expires_at - $2::text::interval "
            "where id = $1",
            one,
            by,
        )

    await person.do(change)


async def count(person: Person, table: str) -> int:
    found: list[int] = []

    async def ask(tx: Any) -> None:
        found.append(
            await tx.value(f"select count(*) from {table} where organization_id = $1", person.user.organization_id)
        )

    await person.do(ask)
    return found[0]


async def test_a_refresh_hands_out_one_successor_of_each_kind(person: Person):
    status, first = await person.refresh()
    assert (status, first["token_type"], first["expires_in"]) == (200, "Bearer", 900)
    status, next_one = await person.refresh(first["refresh_token"])
    assert status == 200
    assert len({person.tokens.refresh_token, first["refresh_token"], next_one["refresh_token"]}) == 3
    for token in (person.tokens.access_token, first["access_token"], next_one["access_token"]):
        assert (await person.ask("GET", "/api/v1/auth/profile", key=token))[0] == 200


async def test_a_token_spent_just_now_is_told_so_and_nothing_happens(person: Person, monkeypatch: pytest.MonkeyPatch):
    # Of a grace of ten seconds a busy machine leaves nothing.
    monkeypatch.setattr(service, "GRACE", model.GRACE * 60)
    _, first = await person.refresh()
    tokens = await count(person, "refresh_tokens")
    status, problem = await person.refresh()
    assert (status, problem["code"]) == (409, "refresh_already_used")
    await age(person, "9 minutes")
    assert (await person.refresh())[0] == 409
    assert await count(person, "refresh_tokens") == tokens
    assert await person.alive()
    assert (await person.refresh(first["refresh_token"]))[0] == 200


async def test_a_token_used_again_later_ends_the_session_and_leaves_a_trace(person: Person):
    other = await person.again()
    _, first = await person.refresh()
    _, second = await person.refresh(first["refresh_token"])
    await age(person, "11 seconds")
    status, problem = await person.refresh()
    assert (status, problem["code"]) == (401, "invalid_refresh_token")
    for token in (person.tokens.refresh_token, first["refresh_token"], second["refresh_token"]):
        assert (await person.refresh(token))[0] == 401
    for token in (person.tokens.access_token, first["access_token"], second["access_token"]):
        assert (await person.ask("GET", "/api/v1/auth/profile", key=token))[0] == 401
    assert await other.alive()
    _, audit = await person.organization.ask("GET", "/api/v1/audit?action=session.revoke")
    assert [(one["target"], one["actor"]["user_id"]) for one in audit["entries"]] == [
        (str(person.tokens.session_id), str(person.id))
    ]


async def test_twenty_refreshes_at_once_have_one_successor(person: Person):
    replies = await asyncio.gather(*(person.refresh() for _ in range(20)))
    assert Counter(status for status, _ in replies) == {200: 1, 409: 19}
    winner = next(body for status, body in replies if status == 200)
    assert await count(person, "refresh_tokens") == 2
    assert (await person.refresh(winner["refresh_token"]))[0] == 200


async def test_a_refresh_and_a_logout_at_once_leave_nothing_usable(organization: Organization):
    for _ in range(5):
        person = await new_person(organization)
        (status, body), _ = await asyncio.gather(person.refresh(), person.ask("POST", "/api/v1/auth/logout"))
        assert status in (200, 401)
        assert not await person.alive()
        if status == 200:
            assert (await person.refresh(body["refresh_token"]))[0] == 401
            assert (await person.ask("GET", "/api/v1/auth/profile", key=body["access_token"]))[0] == 401


async def test_an_idle_session_ends_after_seven_days(person: Person):
    await age(person, "6 days 23 hours 59 minutes")
    status, first = await person.refresh()
    assert status == 200
    await age(person, "7 days 1 minute")
    assert (await person.refresh(first["refresh_token"]))[0] == 401
    other = await person.again()
    assert [one["id"] for one in (await other.ask("GET", "/api/v1/auth/sessions"))[1]["sessions"]] == [
        str(other.tokens.session_id)
    ]


async def test_a_session_ends_after_thirty_days_however_often_it_is_used(person: Person):
    token = person.tokens.refresh_token
    for _ in range(4):
        await age(person, "6 days")
        status, body = await person.refresh(token)
        assert status == 200
        token = body["refresh_token"]
    await age(person, "5 days 23 hours 50 minutes")
    status, body = await person.refresh(token)
    # The access token does not outlive the session either.
    assert (status, body["expires_in"] <= 600) == (200, True)
    await age(person, "11 minutes")
    assert (await person.refresh(body["refresh_token"]))[0] == 401


async def test_a_second_factor_once_shown_is_kept_by_refreshing(organization: Organization):
    owner = await new_person(organization, Role.OWNER, mfa=True)
    await owner.refresh()
    assert (await owner.ask("GET", "/api/v1/auth/sessions"))[1]["sessions"][0]["mfa"] is True


async def test_an_expired_access_token_beside_the_refresh_token_is_no_hindrance(person: Person):
    headers = {"Authorization": "Bearer eyJ.expired.token", "X-API-Key": ""}
    body = {"refresh_token": person.tokens.refresh_token}
    async with person.organization.mesh.http.post("/api/v1/auth/refresh", json=body, headers=headers) as reply:
        assert reply.status == 200


@pytest.mark.parametrize("token", ["", "rfr_", "rfr_" + "A" * 43, "rfr_" + "é" * 43, "x" * 10_000, "\0", " "])
async def test_what_was_never_issued_refreshes_nothing(person: Person, token: str):
    body = {"refresh_token": token}
    async with person.organization.mesh.http.post("/api/v1/auth/refresh", json=body) as reply:
        assert reply.status == (422 if "\0" in token else 401)


@pytest.mark.parametrize(
    "body", [{}, {"refresh_token": None}, {"refresh_token": ["rfr_"]}, {"refresh_token": "a", "b": 1}]
)
async def test_a_refresh_of_another_form_is_told_what_is_wrong(person: Person, body: Any):
    async with person.organization.mesh.http.post("/api/v1/auth/refresh", json=body) as reply:
        assert reply.status == 422


async def test_only_a_keyed_digest_of_a_refresh_token_is_kept(person: Person):
    app = person.organization.mesh.app
    async with app.database.routing() as tx:
        digests = await tx.all(
            "select digest from route_refresh_tokens where organization_id = $1", person.user.organization_id
        )
    assert [row["digest"] for row in digests] == [app.ring.digest("refresh", person.tokens.refresh_token.encode())]


async def test_sessions_that_are_over_are_cleared_away_a_few_at_a_time(person: Person):
    app, organization_id = person.organization.mesh.app, person.user.organization_id
    for _ in range(25):
        await begin(app, person.user)
    ended = [
        one for one in (await person.ask("GET", "/api/v1/auth/sessions?limit=200"))[1]["sessions"] if not one["current"]
    ]
    assert len(ended) == 25
    await person.do(lambda tx: app.sessions.end_all(tx, organization_id, person.id, but=person.tokens.session_id))
    await begin(app, person.user)
    assert await count(person, "sessions") == 2 + 5
    await begin(app, person.user)
    assert await count(person, "sessions") == 3
    assert await count(person, "refresh_tokens") == 3
    async with app.database.acting(organization_id) as tx:
        assert await store.remove_dead(tx, organization_id, IDLE_LIFETIME, 20) == 0
    assert await person.alive()


async def test_spent_tokens_are_kept_as_long_as_they_would_have_lived(person: Person):
    _, first = await person.refresh()
    await age(person, "4 days")
    _, second = await person.refresh(first["refresh_token"])
    await age(person, "4 days")
    _, third = await person.refresh(second["refresh_token"])
    await age(person, "6 days 23 hours")
    await person.refresh(third["refresh_token"])
    assert await count(person, "refresh_tokens") == 3
    assert third["expires_in"] == 900


async def test_of_spent_tokens_the_latest_are_kept_and_still_end_the_session(
    person: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service, "_MOST_SPENT", 3)
    sent = [person.tokens.refresh_token]
    for _ in range(7):
        status, found = await person.refresh(sent[-1])
        assert status == 200
        sent.append(found["refresh_token"])
    assert await count(person, "refresh_tokens") == 4
    assert (await person.refresh(sent[3]))[0] == 401
    assert await person.alive()
    await age(person, "11 seconds")
    assert (await person.refresh(sent[4]))[0] == 401
    assert not await person.alive()


def test_the_lifetimes_are_those_of_the_contract():
    assert timedelta(minutes=15) == model.ACCESS_LIFETIME
    assert (timedelta(days=7), timedelta(days=30)) == (model.IDLE_LIFETIME, model.WHOLE_LIFETIME)
    assert timedelta(seconds=10) == model.GRACE
