"""A service that is asked about credentials, and what the round of asking leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from devmesh.demo.github import GitHub, Received
from running import Mesh, Organization

ADA = "ghp_adas_token_000000"
PATH = "/api/v1/credentials"


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
