"""Why a database cannot be worked with, in one line for whoever operates it, and what to do."""

from __future__ import annotations

import socket
import ssl

import asyncpg

# The first that fits; what PostgreSQL itself says comes before the mend. URL stands for the setting's name.
_MENDS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidPasswordError, "correct the user and password in URL"),
    (asyncpg.InvalidAuthorizationSpecificationError, "correct the user in URL, or let it in (pg_hba.conf)"),
    (asyncpg.InvalidCatalogNameError, "create the database, owned by the user of URL, or correct its name there"),
    (asyncpg.InsufficientPrivilegeError, "give the role that right"),
    (asyncpg.PostgresConnectionError, "start it or its pooler, or correct URL"),
    (asyncpg.PostgresError, "correct URL, or the database"),
    (asyncpg.ClientConfigurationError, "correct the options in URL"),
    (asyncpg.InterfaceError, "correct URL"),
    (ssl.SSLError, "correct sslmode, sslrootcert or the host in URL"),
    (socket.gaierror, "correct the host in URL"),
    (PermissionError, "give this user the right to it; what URL does not name is looked for below HOME"),
    (FileNotFoundError, "correct the socket's directory or sslrootcert in URL"),
    (OSError, "start it, let this machine through to it, or correct host, port and sslmode in URL"),
)
_FAULTY = (asyncpg.ClientConfigurationError, ssl.SSLError, PermissionError)


def explain(error: BaseException, setting: str = "DEVMESH_DATABASE_URL") -> str:
    """Return what is wrong and the mend; neither holds a password. `setting` is the one that names the database."""
    mend = next((mend for kind, mend in _MENDS if isinstance(error, kind)), "correct URL")
    said = " ".join(str(error).split()) or type(error).__name__
    return f"the database cannot be used ({said}): {mend.replace('URL', setting)}."


def may_pass(error: BaseException) -> bool:
    """Whether waiting may help: nothing is wrong with what we were given, as far as is known."""
    return not isinstance(error, _FAULTY)
