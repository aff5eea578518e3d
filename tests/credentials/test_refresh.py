"""Services are asked about stored credentials once a day; what they say is kept, shown and, once, mailed."""

from __future__ import annotations

import asyncio

from credentials.asking import ADA, PATH, Service, a_day_later, mails, shown, sql, sweep
from devmesh.access import Role
from running import Mesh, Organization

ENDS = "GitHub-Authentication-Token-Expiration"


async def test_the_verdict_is_kept_and_shown_and_the_service_asked_once_a_day(
    organization: Organization, service: Service
):
    service.headers[ENDS] = "2099-12-31 23:59:59 UTC"
    await organization.connect(service.github, ADA)
    assert (await shown(organization))["validation"] is None
    for _ in range(3):
        await sweep(organization)
    assert service.asked == 1
    said = (await shown(organization))["validation"]
    assert (said["status"], said["account"], said["granted_scopes"]) == ("valid", "ada", ["repo", "read:org"])
    assert said["token_expires_at"] == "2099-12-31T23:59:59Z"
    assert said["reason"] == "The token belongs to ada."
    (listed,) = (await organization.ask("GET", PATH))[1]["credentials"]
    assert listed["validation"] == said
    await a_day_later(organization)
    await asyncio.gather(*(sweep(organization) for _ in range(3)))
    assert service.asked == 2


async def test_it_stands_in_the_audit_as_nobodys_request(organization: Organization, service: Service):
    stored = await organization.connect(service.github, ADA)
    await sweep(organization)
    await organization.mesh.app.audit.flush()
    _, audit = await organization.ask("GET", "/api/v1/audit?action=credential.validate")
    (entry,) = audit["entries"]
    assert (entry["outcome"], entry["target"], entry["actor"]["user_id"]) == ("ok", stored["id"], None)


async def test_a_service_that_cannot_say_changes_nothing_that_was_known_and_deactivates_nothing(
    verified: Organization, service: Service
):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    service.status = 503
    await a_day_later(verified)
    await sweep(verified)
    found = await shown(verified)
    said = found["validation"]
    assert (said["status"], said["account"], said["granted_scopes"]) == ("unknown", "ada", ["repo", "read:org"])
    assert found["is_active"] is True
    service.status = 401
    await a_day_later(verified)
    await sweep(verified)
    assert (await shown(verified))["validation"]["status"] == "invalid"
    assert (await shown(verified))["is_active"] is True
    # Still the credential that a call is made with.
    asked = len(service.github.received)
    await verified.call("github.get_repository", {"owner": "a", "repo": "b"})
    assert len(service.github.received) == asked + 1


async def test_an_owner_is_told_once_that_a_token_which_worked_does_so_no_more(
    verified: Organization, service: Service, mesh: Mesh
):
    await verified.connect(service.github, ADA)
    service.status = 401
    await sweep(verified)
    assert mails(mesh, verified.slug) == [], "it never worked: whoever stored it will see that"
    for status, told in ((200, 0), (401, 1), (401, 1), (503, 1), (401, 1), (200, 1), (401, 2)):
        service.status = status
        await a_day_later(verified)
        await sweep(verified)
        assert len(mails(mesh, verified.slug)) == told, (status, told)
    text = mails(mesh, verified.slug)[0]
    assert "A credential of yours for GitHub is no longer accepted" in text
    assert ADA not in text


async def test_a_service_account_is_the_owners_matter_and_a_suspended_persons_credential_is_left_alone(
    verified: Organization, service: Service, mesh: Mesh
):
    bo = await verified.person(Role.MEMBER)
    await verified.connect(service.github, ADA, key=bo)
    await verified.connect(service.github, ADA, owner="organization")
    await sweep(verified)
    assert service.asked == 2
    service.status = 401
    await sql(verified, "update users set is_active = false where role = 'member'")
    await a_day_later(verified)
    await sweep(verified)
    assert service.asked == 3
    (text,) = mails(mesh, verified.slug)
    assert "The organization's service account for GitHub is no longer accepted" in text
    assert f"admin@{verified.slug}.example" in text


async def test_a_hostile_service_fills_no_row_and_stops_no_round(organization: Organization, service: Service):
    service.login = "a\u0000b\ud800" + "x" * 100_000
    service.headers["X-OAuth-Scopes"] = ", ".join(f"scope{number}" + "y" * 300 for number in range(100))
    await organization.connect(service.github, ADA)
    await sweep(organization)
    said = (await shown(organization))["validation"]
    assert said["checked_at"]
    assert len(str(said)) < 45_000
    await sweep(organization)


async def test_one_tenants_service_that_is_away_takes_nothing_from_another_tenant(
    organization: Organization, service: Service, mesh: Mesh
):
    other = await mesh.organization()
    service.status = 503
    for label in ("one", "two", "three"):
        await organization.connect(service.github, ADA, label=label)
    await sweep(organization)
    assert service.asked == 1, "the others are left in peace for this round"
    service.status = 200
    await other.connect(service.github, ADA)
    await sweep(other)
    assert (await shown(other))["validation"]["status"] == "valid"


async def test_a_credential_that_is_replaced_or_deleted_meanwhile_keeps_no_former_verdict(
    organization: Organization, service: Service
):
    await organization.connect(service.github, ADA)
    await sweep(organization)
    await organization.connect(service.github, ADA)
    assert (await shown(organization))["validation"] is None
    assert (await organization.ask("DELETE", f"{PATH}/github"))[0] == 204
    assert await sql(organization, "select * from credential_standing") == []


async def test_nobody_elses_verdict_is_shown_or_written(organization: Organization, service: Service, mesh: Mesh):
    colleague, stranger = await organization.person(), await mesh.organization()
    await organization.connect(service.github, ADA)
    await sweep(organization)
    for key in (colleague, stranger.key):
        assert (await organization.ask("GET", f"{PATH}/github", key=key))[0] == 404
        assert (await organization.ask("POST", f"{PATH}/github/validate", key=key))[0] == 404
    assert await sql(stranger, "select * from credential_standing") == []


async def test_a_verdict_that_is_asked_for_is_kept_too(organization: Organization, service: Service):
    await organization.connect(service.github, ADA)
    status, said = await organization.ask("POST", f"{PATH}/github/validate")
    assert (status, said["status"]) == (200, "valid")
    kept = (await shown(organization))["validation"]
    assert (kept["status"], kept["account"]) == ("valid", said["account"])
    await sweep(organization)
    assert service.asked == 1
