"""A database of its own, as a sender takes every mail there is, and a real mail server on loopback."""

from __future__ import annotations

import asyncio
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from authority import Authority
from devmesh.crypto.kms import LocalKms
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database
from devmesh.ids import new_id
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox
from devmesh.mail.sending import SEAL
from devmesh.settings import Settings

PUBLIC_URL = "https://mesh.example.com"
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def post_postgres() -> Iterator[Embedded]:
    with tempfile.TemporaryDirectory(prefix="devmesh-mail-") as directory:
        Path(directory).chmod(0o711)
        with Embedded(Path(directory) / "data") as embedded:
            asyncio.run(migrate(embedded.owner_dsn, embedded.app_dsn["user"]))
            yield embedded


@pytest.fixture(scope="session")
async def post_db(post_postgres: Embedded) -> AsyncIterator[Database]:
    database = Database(post_postgres.app_dsn, size=8)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def post_ring(post_db: Database, master_key: bytes) -> KeyRing:
    ring = KeyRing(MasterKeys(LocalKms(master_key)))
    await ring.open(post_db)
    return ring


@dataclass
class Post:
    """An outbox on an empty table, and what a test asks of the table."""

    db: Database
    ring: KeyRing
    data_dir: Path

    @asynccontextmanager
    async def outbox(self, smtp_url: str | None = None, **more: str) -> AsyncIterator[Outbox]:
        """Open an outbox for that mail server, or for files."""
        outbox = self.unopened(smtp_url, **more)
        await outbox.open()
        try:
            yield outbox
        finally:
            await outbox.close()

    def unopened(self, smtp_url: str | None = None, **more: str) -> Outbox:
        """Return an outbox that takes mails and sends none."""
        environ = {"DEVMESH_DATA_DIR": str(self.data_dir), "DEVMESH_PUBLIC_URL": PUBLIC_URL, **more}
        if smtp_url:
            environ["DEVMESH_SMTP_URL"] = smtp_url
        return Outbox(self.db, self.ring, Settings.load(environ))

    def sealed(self, mail_id: UUID, mail: Mail) -> bytes:
        return self.ring.seal(SEAL, msgspec.json.encode(mail), mail_id)

    async def put(self, outbox: Outbox, mail: Mail | None = None, event: str = "", lifetime: timedelta = DAY) -> None:
        """Put a mail in a transaction of its own."""
        async with self.db.routing() as tx:
            await outbox.put(tx, mail or letter(), event=event or f"test:{new_id()}", lifetime=lifetime)

    async def rows(self) -> list[dict[str, Any]]:
        async with self.db.routing() as tx:
            return [dict(row) for row in await tx.all("select * from mail_outbox order by id")]

    async def hurry(self, outbox: Outbox, *, tidy: bool = False) -> None:
        """Have the time of every mail come, and wait for what becomes of it."""
        async with self.db.routing() as tx:
            await tx.run("update mail_outbox set next_at = now() where sealed is not null")
        if tidy:
            outbox._tidy_at = 0
        await outbox.settled()


def letter(to: str = "ada@example.com", **more: Any) -> Mail:
    usual: dict[str, Any] = {
        "subject": "Verify your e-mail address",
        "before": ("This address was registered.", ".a line that begins with a dot"),
        "link": f"{PUBLIC_URL}/verify#token=TheSecretOfTheLink",
        "action": "Verify",
    }
    return Mail(to=to, **{**usual, **more})


@pytest.fixture
async def post(post_db: Database, post_ring: KeyRing, tmp_path: Path) -> Post:
    async with post_db.routing() as tx:
        await tx.run("delete from mail_outbox")
    return Post(post_db, post_ring, tmp_path / "data")


@dataclass
class Server:
    """A mail server (aiosmtpd) that does what `on_*` say: a reply, or None for its own."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    on_mail: Callable[[], Any] = lambda: None
    on_rcpt: Callable[[str], Any] = lambda _: None
    on_data: Callable[[Any], Any] = lambda _: None
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def url(self, user: str = "", host: str = "localhost", options: str = "") -> str:
        return f"smtp://{user}{host}:{self.port}{options}"

    @property
    def plain(self) -> str:
        return self.url(host="127.0.0.1", options="?starttls=never")

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session, options
        envelope.mail_from = address
        return await _said(self.on_mail()) or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session, options
        said = await _said(self.on_rcpt(address)) or "250 OK"
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        said = await _said(self.on_data(server)) or "250 OK"
        if said.startswith("250"):
            self.raw.append(envelope.content)
            self.taken.append(message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=policy.default))
            self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
            self.encrypted.append(session.ssl is not None)
        return said

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login, given.password))
        return AuthResult(handled=False, success=given.login == b"mesh" and given.password == b"pa/ss w@rd")


async def _said(found: Any) -> str | None:
    return await found if asyncio.iscoroutine(found) else found


class _Session(SMTP):
    def __init__(self, server: Server, **options: Any) -> None:
        with warnings.catch_warnings():
            # That it takes passwords in the clear is what some tests are about.
            warnings.simplefilter("ignore")
            super().__init__(server, hostname="mail.test", loop=asyncio.get_running_loop(), **options)
        self._server = server
        self._counted = False

    def connection_made(self, transport: Any) -> None:
        if not self._counted:
            self._counted = True
            self._server.connections += 1
            self._server.at_once += 1
            self._server.most_at_once = max(self._server.most_at_once, self._server.at_once)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._counted:
            self._counted = False
            self._server.at_once -= 1
        super().connection_lost(error)


Serve = Callable[..., Any]


@pytest.fixture
async def serve(authority: Authority) -> AsyncIterator[Serve]:
    """Start a mail server: `await serve(tls=…, auth=…)`, `implicit=True` for TLS from the start."""
    running = []

    async def start(*, tls: bool = False, implicit: bool = False, auth: bool = False, context: Any = None) -> Server:
        server = Server()
        options: dict[str, Any] = {}
        context = context or authority.server_context()
        if tls:
            options |= {"tls_context": context, "require_starttls": True}
        if auth:
            options |= {"authenticator": server.authenticate, "auth_required": True, "auth_require_tls": tls}
        listening = await asyncio.get_running_loop().create_server(
            lambda: _Session(server, **options), "127.0.0.1", 0, ssl=context if implicit else None
        )
        server.port = listening.sockets[0].getsockname()[1]
        running.append(listening)
        return server

    yield start
    for listening in running:
        listening.close()


@pytest.fixture
async def server(serve: Serve) -> Server:
    """A mail server that knows neither TLS nor passwords."""
    return await serve()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Have this process trust the authority, as an operator would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority
