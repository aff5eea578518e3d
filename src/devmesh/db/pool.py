"""Transactions: each is bound to one organization and tenant, or to none, for as long as it lasts and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import asyncpg

from devmesh.db.places import Places
from devmesh.errors import Unavailable

Record = Mapping[str, Any]

# What asyncpg raises when the server is away or went away; none of them says that a statement was wrong.
CONNECTION_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # asyncpg's word for a statement between the server's farewell and the end of its connection.
    asyncpg.InternalClientError,
)


# Prepared statements kept by each connection, where a session is one's own.
_STATEMENTS = 100

# A server that is stopped, not ended, answers nothing and refuses nothing: only these bounds tell. Nobody waits
# longer than for a connection and for the first statement on it, which needs no lock and no disk.
_ACQUIRE_SECONDS = 3.0
_BEGIN_SECONDS = 2.0
_STATEMENT_SECONDS = 5.0
_RETRY_AFTER = 1.0


class DatabaseAway(Unavailable):
    """PostgreSQL cannot be reached; nothing was changed."""

    code = "database_unavailable"

    def __init__(self, detail: str = "The database does not answer at the moment.") -> None:
        super().__init__(detail, retry_after=_RETRY_AFTER)


class CommitUnknown(DatabaseAway):
    """PostgreSQL went away during the commit: what the transaction changed is there whole or not at all."""

    hint = "Look whether the change was made before you repeat it."
    may_have_happened = True

    def __init__(self) -> None:
        super().__init__("The database went away while it was asked to make the change lasting.")


async def pooled(connection: asyncpg.Connection) -> bool:
    """Whether a pooler stands between us and the server, which may answer each transaction from another session.

    `connection` must keep no prepared statements (`statement_cache_size=0`): they do not survive a pooler.
    """
    async with connection.transaction():
        # What a pooler tells its clients of the server's process is made up: it belongs to no session.
        found: int = await connection.fetchval("select pg_backend_pid()")
    told: int = connection.get_server_pid()
    return found != told


class Deadlocked(DatabaseAway):
    """Two transactions waited for each other, and PostgreSQL undid this one; nothing was changed."""

    code = "database_busy"

    def __init__(self) -> None:
        super().__init__("This request and another one stood in each other's way.")


@contextmanager
def _driver() -> Iterator[None]:
    """Tell what asyncpg raises when the server is away as DatabaseAway; around calls of asyncpg and nothing else."""
    try:
        yield
    except asyncpg.DeadlockDetectedError as error:
        raise Deadlocked from error
    except CONNECTION_LOST as error:
        raise DatabaseAway from error


Check = Callable[["Tx"], Awaitable[None]]
_BEFORE_COMMIT: ContextVar[Check | None] = ContextVar("before_commit", default=None)


@contextmanager
def before_commit(check: Check) -> Iterator[None]:
    """Have `check` awaited as the last step of every transaction within this block; what it raises undoes that one."""
    token = _BEFORE_COMMIT.set(check)
    try:
        yield
    finally:
        _BEFORE_COMMIT.reset(token)


class Tx:
    """One open transaction; each statement raises DatabaseAway if the server does not answer."""

    __slots__ = ("_after_commit", "_connection")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._after_commit: list[Callable[[], None]] = []

    async def one(self, sql: str, *arguments: object) -> Record | None:
        """Return the first row, or None."""
        with _driver():
            row: Record | None = await self._connection.fetchrow(sql, *arguments)
        return row

    async def all(self, sql: str, *arguments: object) -> list[Record]:
        """Return every row."""
        with _driver():
            rows: list[Record] = await self._connection.fetch(sql, *arguments)
        return rows

    async def value(self, sql: str, *arguments: object) -> Any:
        """Return the first column of the first row, or None."""
        with _driver():
            return await self._connection.fetchval(sql, *arguments)

    async def run(self, sql: str, *arguments: object) -> int:
        """Execute the statement and return how many rows it touched."""
        with _driver():
            status: str = await self._connection.execute(sql, *arguments)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def turn_to(self, tenant_id: UUID) -> None:
        """See, from now until the transaction ends, this tenant's rows instead of the former one's; locks stay."""
        await self.run("select set_config('app.tenant_id', $1, true)", tenant_id.hex)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have `action` run as soon as the commit has succeeded; never after a rollback."""
        self._after_commit.append(action)

    def committed(self) -> None:
        """Run what waited for the commit."""
        for action in self._after_commit:
            action()


class Database:
    """The pool of the app role's connections, which row-level security binds; no organization takes all of them."""

    def __init__(self, connect: Mapping[str, Any], *, size: int = 10) -> None:
        self._connect = dict(connect)
        self._size = size
        self._places = Places(size)
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connect; raise DatabaseAway if the server does not answer."""
        try:
            self._pool = await asyncpg.create_pool(
                **self._connect,
                min_size=1,
                max_size=self._size,
                command_timeout=_STATEMENT_SECONDS,
                max_inactive_connection_lifetime=60,
                statement_cache_size=0 if await self._is_pooled() else _STATEMENTS,
            )
        except CONNECTION_LOST as error:
            raise DatabaseAway(type(error).__name__) from error

    async def _is_pooled(self) -> bool:
        connection = await asyncpg.connect(**self._connect, timeout=10, statement_cache_size=0)
        try:
            return await pooled(connection)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close every connection; those in use are waited for, at most five seconds."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def acting(self, organization_id: UUID, tenant_id: UUID | None = None) -> AsyncIterator[Tx]:
        """Open a transaction that sees this organization and, of its tenants' rows, this tenant's alone."""
        tenant = "" if tenant_id is None else tenant_id.hex
        begin = (
            f"begin; select set_config('app.organization_id', '{organization_id.hex}', true), "
            f"set_config('app.tenant_id', '{tenant}', true)"
        )
        async with self._transaction(begin, organization_id) as tx:
            yield tx

    @asynccontextmanager
    async def routing(self) -> AsyncIterator[Tx]:
        """Open a transaction that sees no organization: routing tables, the key ring, appends to the audit."""
        async with self._transaction("begin", None) as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(self, begin: str, owner: UUID | None) -> AsyncIterator[Tx]:
        if self._pool is None:
            raise DatabaseAway
        async with _borrowed(self._pool, self._places, owner) as connection:
            with _driver():
                await connection.execute(begin, timeout=_BEGIN_SECONDS)
            tx = Tx(connection)
            try:
                yield tx
                check = _BEFORE_COMMIT.get()
                if check is not None:
                    await check(tx)
            except BaseException as error:
                # One that answers nothing would let us wait once more.
                if not _is_silence(error):
                    with _driver():
                        if not connection.is_closed():
                            await connection.execute("rollback")
                raise
            await _commit(connection)
            tx.committed()


@asynccontextmanager
async def _borrowed(pool: asyncpg.Pool, places: Places, owner: UUID | None) -> AsyncIterator[asyncpg.Connection]:
    with _driver():
        left = await places.take(owner, _ACQUIRE_SECONDS)
    try:
        with _driver():
            connection = await pool.acquire(timeout=left)
        try:
            yield connection
        except BaseException as error:
            if _is_silence(error):
                # To give it back would mean to wait for the same server again, twice: to cancel and to reset.
                with suppress(*CONNECTION_LOST):
                    connection.terminate()
            raise
        finally:
            # What was committed stays so, whether or not the connection serves again.
            with suppress(*CONNECTION_LOST):
                await pool.release(connection)
    finally:
        places.give(owner)


def _is_silence(error: BaseException) -> bool:
    return isinstance(error, DatabaseAway) and isinstance(error.__cause__, TimeoutError)


async def _commit(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute("commit")
    except CONNECTION_LOST as error:
        raise CommitUnknown from error
