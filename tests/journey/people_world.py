"""The whole program, asked as its HTTP server asks it, in a thread with an event loop: a state machine is not async.

No socket stands between: thousands of requests are sent, and what they tell of is decided behind it.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
import secrets
import tempfile
import threading
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from devmesh.app import App, build
from devmesh.crypto.passwords import Passwords
from devmesh.db.embedded import Embedded
from devmesh.settings import Settings

_PLANS = {
    "rate_limits": {
        "default": {"requests_per_minute": 6_000_000, "burst": 6_000_000},
        "authenticated": {"requests_per_minute": 6_000_000, "burst": 6_000_000},
    },
    "plans": {"free": {"limits": "authenticated", "max_users": 5}},
    "keys": {kind: {"rate_limit": 1_000_000, "rate_window": 1} for kind in ("admin", "user", "agent", "gateway")},
}
_LINK = re.compile(r"organization\s+'([^']+)'.*/(verify|reset|accept)#token=([A-Za-z0-9_-]{43})", re.DOTALL)
_LONGEST_SECONDS = 120
_AT_ONCE, _TRIES, _BUSY = 4, 5, 503


class Ask(NamedTuple):
    """A request."""

    method: str
    path: str
    body: Any = None
    token: str | None = None
    tenant: str | None = None


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: Any


class Letter(NamedTuple):
    """A mail that holds a link."""

    to: str
    slug: str
    purpose: str
    token: str


class World:
    """Between `open` and `close` it answers, each request as one from an address that nobody has come from before."""

    def __init__(self, postgres: Embedded, master_key: bytes, passwords: Passwords) -> None:
        self._built = (postgres, master_key, passwords)
        self._loop = asyncio.new_event_loop()
        # Whatever fails before `close`: the run is not kept from ending.
        self._thread = threading.Thread(target=self._loop.run_forever, name="people", daemon=True)
        self._directory = tempfile.TemporaryDirectory(prefix="devmesh-people-")
        self._read: set[Path] = set()
        self._app: App

    def open(self) -> None:
        self._thread.start()
        self._do(self._open())

    def close(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._directory.cleanup()

    def ask(self, *ask: Any, **more: Any) -> Reply:
        return self._do(self._one(Ask(*ask, **more)))

    def each(self, asks: Iterable[Ask]) -> list[Reply]:
        """Send a few at a time what changes nothing; return the replies in their order."""
        return self._do(self._each(list(asks)))

    def letters(self) -> list[Letter]:
        """Return the mails with links that have come since the last look."""
        return self._do(self._letters())

    def let_time_pass(self, organization_id: str, session_id: str) -> None:
        """Let the session's refresh tokens have been spent eleven seconds earlier."""
        self._do(self._let_time_pass(UUID(organization_id), UUID(session_id)))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_LONGEST_SECONDS)

    async def _open(self) -> None:
        postgres, master_key, passwords = self._built
        plans = Path(self._directory.name) / "plans.json"
        plans.write_text(json.dumps(_PLANS))
        environ = {
            "DEVMESH_DATA_DIR": self._directory.name,
            "DEVMESH_PLANS_FILE": str(plans),
            "DEVMESH_TRUSTED_PROXIES": "127.0.0.0/8",
        }
        self._app = await build(Settings.load(environ), master_key, postgres.app_dsn, passwords=passwords)

    async def _close(self) -> None:
        await self._app.close()

    async def _each(self, asks: list[Ask]) -> list[Reply]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def patiently(ask: Ask) -> Reply:
            async with places:
                for _ in range(_TRIES):
                    reply = await self._one(ask)
                    # A machine that is busy with other things is not what is tried here.
                    if reply.status != _BUSY:
                        break
                return reply

        return list(await asyncio.gather(*map(patiently, asks)))

    async def _one(self, ask: Ask) -> Reply:
        address = "2001:db8:" + ":".join(secrets.token_hex(2) for _ in range(6))
        body = b"" if ask.body is None else json.dumps(ask.body).encode()
        headers = {"host": "localhost", "x-forwarded-for": address, "content-length": str(len(body))}
        if body:
            headers["content-type"] = "application/json"
        if ask.token is not None:
            headers["authorization"] = f"Bearer {ask.token}"
        if ask.tenant is not None:
            headers["x-tenant-id"] = ask.tenant
        said = await _exchange(self._app.asgi, ask.method, f"/api/v1{ask.path}", headers, body)
        reply = b"".join(one.get("body", b"") for one in said[1:])
        return Reply(said[0]["status"], json.loads(reply) if reply else None)

    async def _letters(self) -> list[Letter]:
        await self._app.accounts.settle()
        await self._app.own_password.settle()
        await self._app.outbox.settled()
        found = set((Path(self._directory.name) / "outbox").glob("*.eml")) - self._read
        self._read |= found
        return [letter for file in sorted(found) for letter in _letter(file.read_bytes())]

    async def _let_time_pass(self, organization_id: UUID, session_id: UUID) -> None:
        async with self._app.database.acting(organization_id) as tx:
            await tx.run(
                "update refresh_tokens set spent_at = spent_at - interval '11 seconds' where session_id = $1",
                session_id,
            )


async def _exchange(asgi: Any, method: str, target: str, headers: dict[str, str], body: bytes) -> list[dict[str, Any]]:
    """Return the messages of the reply."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8081),
    }
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await asgi(scope, receive, send)
    return said


def _letter(raw: bytes) -> list[Letter]:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content()
    return [Letter(mail["To"], *match.groups()) for match in _LINK.finditer(text)]
