"""Sessions over HTTP: what a person may, and what ends them."""

from __future__ import annotations

from conftest import Organization


async def test_smoke(person):
    status, profile = await person.ask("GET", "/api/v1/auth/profile")
    assert status == 200, profile
    print(person.tokens.access_token)
    status, validated = await person.ask("POST", "/api/v1/auth/validate")
    print(validated)
    assert status == 200
    status, listed = await person.ask("GET", "/api/v1/auth/sessions")
    print(listed)
    status, r = await person.refresh()
    print(r)
    assert status == 200
    status, r = await person.refresh()
    print(r)
    assert status == 409
    async with person.organization.mesh.http.get("/.well-known/jwks.json") as reply:
        print(await reply.text())
    status, r = await person.ask("POST", "/api/v1/auth/logout")
    assert status == 204
    assert not await person.alive()
