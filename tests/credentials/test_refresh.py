"""Services are asked about stored credentials once a day; what they say is kept, shown and, once, mailed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.credentials import refresh as module
from devmesh.demo.github import GitHub, Received
from running import Mesh, Organization

ADA = "ghp_adas_token_000000"
PATH = "/api/v1/credentials"
ENDS = "GitHub-Authentication-Token-Expiration"


class Service:
    """A GitHub whose answers to `GET /user` a test chooses."""

    def __init__(self) -> None:
        self.status, self.login = 200, "ada"
        self.headers: dict[str, str] = {"X-OAuth-Scopes": "repo, read:org"}
        self.github = GitHub({ADA: "ada"}, self._answer)

    def _answer(self, received: Received) -> tuple[int, Any, Mapping[str, str]] | None:
        if received.path != "/user":
            return None
        return self.status, {"login": self.login} if self.status == 200 else {"message": "no"}, self.headers

    @property
    def asked(self) -> int:
        return sum(received.path == "/user" for received in self.github.received)


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    service = Service()
    async with service.github:
        yield service


@pytest.fixture
async def verified(organization: Organization) -> Organization:
    await sql(organization, "update users set verified_at = now()")
    return organization


async def sql(organization: Organization, text: str, *arguments: object) -> list[dict[str, Any]]:
    of = UUID(organization.id)
    async with organization.mesh.app.database.acting(of, of) as tx:
        return [dict(row) for row in await tx.all(text, *arguments)]


async def a_day_later(organization: Organization) -> None:
    await sql(organization, "update credential_standing set next_check_at = next_check_at - interval '29 hours'")


async def sweep(organization: Organization) -> None:
    """Go round this one organization, as the round does for each."""
    of = UUID(organization.id)
    await organization.mesh.app.refresh._sweep(of, of)
    await organization.mesh.app.outbox.settled()


async def shown(organization: Organization, **query: str) -> dict[str, Any]:
    status, body = await organization.ask("GET", f"{PATH}/github?{'&'.join(f'{k}={v}' for k, v in query.items())}")
    assert status == 200, body
    return body


def mails(mesh: Mesh, slug: str) -> list[str]:
    texts = [file.read_text().replace("=\n", "") for file in sorted((mesh.data_dir / "outbox").iterdir())]
    return [text for text in texts if f"'{slug}'" in text and "credential" in text.lower()]


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


@pytest.mark.parametrize("ends_by", ["the service", "the person"])
async def test_the_owner_is_told_seven_days_and_one_day_before_the_end_once_each(
    verified: Organization, service: Service, mesh: Mesh, ends_by: str
):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    column = "credential_standing set token_expires_at" if ends_by == "the service" else "credentials set expires_at"
    await sql(verified, "update credentials set updated_at = now() - interval '90 days'")
    for left, told in (("8 days", 0), ("6 days", 1), ("6 days", 1), ("20 hours", 2), ("19 hours", 2)):
        # Of one end, as time goes by: the moment stays, the rest of what is known of it moves.
        await sql(verified, f"update {column} = date_trunc('hour', now()) + interval '{left}'")
        await sql(
            verified,
            "update credential_standing s set warned_of = least(s.token_expires_at, c.expires_at) "
            "from credentials c where c.id = s.credential_id and s.warned_of is not null",
        )
        await sweep(verified)
        assert len(mails(mesh, verified.slug)) == told, left
    # Another end is told of anew.
    await sql(verified, f"update {column} = now() + interval '5 days'")
    await sweep(verified)
    assert len(mails(mesh, verified.slug)) == 3
    assert "A credential for GitHub ends soon" in mails(mesh, verified.slug)[0]


async def test_an_end_that_is_told_as_seconds_from_now_is_written_about_once(
    verified: Organization, service: Service, mesh: Mesh
):
    await verified.connect(service.github, ADA)
    await sweep(verified)
    await sql(verified, "update credentials set updated_at = now() - interval '90 days'")
    for moved in ("0 seconds", "40 seconds", "-90 seconds", "20 minutes"):
        end = "date_trunc('hour', now()) + interval '5 days 12 hours'"
        await sql(verified, f"update credential_standing set token_expires_at = {end} + interval '{moved}'")
        await sweep(verified)
        assert len(mails(mesh, verified.slug)) == 1, moved


async def test_what_was_meant_to_be_short_lived_and_who_is_not_verified_are_not_written_about(
    organization: Organization, service: Service, mesh: Mesh
):
    await organization.connect(service.github, ADA)
    await sweep(organization)
    await sql(organization, "update credential_standing set token_expires_at = now() + interval '3 days'")
    await sweep(organization)
    await sql(organization, "update credentials set updated_at = now() - interval '90 days'")
    await sweep(organization)
    await sql(organization, "update users set verified_at = now()")
    await sql(organization, "update credential_standing set token_expires_at = now() + interval '2 days'")
    assert mails(mesh, organization.slug) == []
    await sweep(organization)
    assert len(mails(mesh, organization.slug)) == 1


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
