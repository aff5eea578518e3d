"""As whom each database connection is made: the owner migrates, the app role works and is bound by row security."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from devmesh.serve.handover import Handover
from devmesh.settings import Settings

_LONGEST_ROLE = 63


@dataclass(frozen=True, slots=True)
class Connections:
    """What to connect with, in asyncpg's words; `app_password` is None where the role has its password already."""

    owner: dict[str, Any] = field(repr=False)
    app: dict[str, Any] = field(repr=False)
    direct: dict[str, Any] = field(repr=False)
    app_role: str
    app_password: str | None = field(repr=False)


def connections(settings: Settings, handed: Handover) -> Connections:
    """Return the connections to the embedded database, or to the external one of the settings."""
    if handed.owner is not None and handed.app is not None:
        return Connections(handed.owner, handed.app, handed.app, handed.app["user"], None)
    if settings.database_url is None:
        raise ValueError("neither an embedded nor an external database was handed over")
    direct = settings.database_direct_url or settings.database_url
    # Named after the database itself: a pooler may know it by another name.
    role = app_role(direct)
    # Every machine has the owner's password, and it stays as it is when the master key is exchanged.
    owners = unquote(urlsplit(direct).password or "").encode()
    password = app_password(owners or handed.master_key or b"", role)
    as_app = {"user": role, "password": password}
    return Connections(
        {"dsn": direct}, {"dsn": settings.database_url, **as_app}, {"dsn": direct, **as_app}, role, password
    )


def direct_setting(settings: Settings) -> str:
    """Return which setting says where the database itself is."""
    return "DEVMESH_DATABASE_DIRECT_URL" if settings.database_direct_url else "DEVMESH_DATABASE_URL"


def app_role(database_url: str) -> str:
    """Return `<database>_app`, as a role may be called: lower-case letters, digits and underscores."""
    database = unquote(urlsplit(database_url).path.strip("/")).lower()
    name = re.sub(r"[^a-z0-9_]", "_", database)[: _LONGEST_ROLE - len("_app")]
    return f"{'' if name[:1].isalpha() else '_'}{name}_app"[:_LONGEST_ROLE]


def app_password(secret: bytes, role: str) -> str:
    """Return the app role's password: the same on every machine that has the secret, unknown without it."""
    digest = hmac.digest(secret, b"devmesh database role\0" + role.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
