"""A running gateway and its organizations, as tests speak to them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from devmesh.access import Role
from devmesh.app import App
from devmesh.demo.github import GitHub
from devmesh.directory.service import Directory


@dataclass
class Mesh:
    """A running gateway on loopback, and what a client needs to talk to it."""

    url: str
    app: App
    data_dir: Path
    http: aiohttp.ClientSession

    async def organization(self, slug: str | None = None) -> Organization:
        """Register an organization over HTTP."""
        slug = slug or f"org-{secrets.token_hex(6)}"
        body = {
            "organization_name": slug.title(),
            "organization_slug": slug,
            "admin_email": f"admin@{slug}.example",
            "admin_name": "Ada Admin",
            "admin_password": "SecurePass123!",
        }
        async with self.http.post("/api/v1/auth/register/organization", json=body) as reply:
            assert reply.status == 201, await reply.text()
            return Organization(self, await reply.json())


@dataclass
class Organization:
    """A registered organization with its owner's admin key."""

    mesh: Mesh
    registered: dict[str, Any]

    @property
    def id(self) -> str:
        return self.registered["organization"]["id"]

    @property
    def slug(self) -> str:
        return self.registered["organization"]["slug"]

    @property
    def key(self) -> str:
        return self.registered["api_key"]

    async def person(self, role: Role = Role.MEMBER) -> str:
        """Add another user, as an invitation would, and return an admin key of theirs, cut to their role."""
        app, organization_id = self.mesh.app, UUID(self.id)
        directory = Directory(app.ring)
        async with app.database.acting(organization_id, organization_id) as tx:
            user = await directory.add_user(
                tx,
                organization_id,
                organization_id,
                email=f"{secrets.token_hex(4)}@{self.slug}.example",
                name="Bo Person",
                role=role,
                password_hash="none",
            )
            issued = await app.keys.issue_first(tx, organization_id, organization_id, user.id)
        return issued.secret

    async def new_key(self, by: str | None = None, **fields: Any) -> str:
        """Mint a key over HTTP."""
        status, body = await self.ask("POST", "/api/v1/api-keys", {"name": "test key", **fields}, key=by)
        assert status == 201, body
        return body["api_key"]

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request with a key (the owner's if none is named); return status and decoded body."""
        sent = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        async with self.mesh.http.request(method, path, json=body, headers=sent) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text else None

    async def connect(self, github: GitHub, token: str, *, key: str | None = None, **more: Any) -> dict[str, Any]:
        """Store a GitHub token over HTTP."""
        body = {
            "service_type": "github",
            "credentials": {"token": token},
            "metadata": {"base_url": github.url},
            **more,
        }
        status, stored = await self.ask("POST", "/api/v1/credentials", body, key=key)
        assert status == 201, stored
        return stored

    async def call(
        self, tool: str, arguments: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Call a tool over MCP as the guide does, without a handshake; return the result or the error."""
        params = {"name": tool, "arguments": arguments or {}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        _, body = await self.ask("POST", "/mcp", message, key=key, headers=headers)
        return body.get("result") or body["error"]
