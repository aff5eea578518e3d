"""The app role: what the server works as. It owns nothing, bypasses nothing, and row-level security binds it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import asyncpg

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_ROUNDS = 4096


class MigrationError(RuntimeError):
    """The database and this program do not fit together; the text says why, and what to do."""


async def provide(
    connection: asyncpg.Connection, owner: Mapping[str, Any], name: str, password: str | None = None
) -> None:
    """Have the role, able to log in with `password` (None: leave it as it is); raise MigrationError.

    `connection` is the owner's; `owner` is how it was made, for trying the password.
    """
    if not _NAME.fullmatch(name):
        raise MigrationError(f"{name!r} cannot be a role's name")
    row = await connection.fetchrow(
        "select rolsuper or rolbypassrls as unbound, rolname = current_user as own from pg_roles where rolname = $1",
        name,
    )
    secret = f" password '{scram(password, name)}'" if password is not None else ""
    if row is None:
        await connection.execute(f"create role {name} login nosuperuser nobypassrls nocreatedb nocreaterole{secret}")
    elif row["own"]:
        raise MigrationError(f"the server works as {name}, so the tables need another owner: name one in the URL")
    elif row["unbound"]:
        raise MigrationError(
            f"the role {name} is above row security; as superuser: alter role {name} nosuperuser nobypassrls;"
        )
    elif password is not None and not await _admits(owner, name, password):
        await connection.execute(f"alter role {name} login{secret}")


async def _admits(owner: Mapping[str, Any], name: str, password: str) -> bool:
    """Whether the role can log in: then its password needs no change, and its owner no right to change it."""
    try:
        connection = await asyncpg.connect(
            **{**owner, "user": name, "password": password}, timeout=10, statement_cache_size=0
        )
    except asyncpg.InvalidPasswordError:
        return False
    except asyncpg.PostgresError as error:
        raise MigrationError(f"the role {name} cannot connect ({error}); let it in as its owner is") from error
    await connection.close()
    return True


def scram(password: str, role: str) -> str:
    """Return the password as PostgreSQL keeps it (RFC 5803), so that no statement, and no log, ever holds it.

    Always the same text: a pooler that has learned it need not learn it anew. The salt may be known;
    a password of 256 random bits needs none.
    """
    salt = hashlib.sha256(f"devmesh\0{role}".encode()).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256$" + f"{_ROUNDS}:{{}}${{}}:{{}}".format(*texts)
