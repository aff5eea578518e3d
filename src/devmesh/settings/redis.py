"""DEVMESH_REDIS_URL: the Redis or Valkey through which processes hold the rate limits together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from devmesh.settings import url

SHAPE = "write redis://user:password@redis.example.com:6379/0, or rediss:// for TLS"
_SCHEMES = ("redis", "rediss")
_PORT = 6379
_HIGHEST_DATABASE = 9999


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A Redis; with `cluster`, any one node of a cluster. With `tls` its certificate is checked."""

    host: str
    port: int = _PORT
    database: int = 0
    tls: bool = False
    cluster: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{'rediss' if self.tls else 'redis'}://{url.shown(self.host)}:{self.port}/{self.database}"


def redis_url(text: str) -> RedisUrl:
    """Return what the address says; raise ValueError with everything that is wrong, and no secret."""
    parts = url.split(text, _SCHEMES, SHAPE)
    problems = list(_problems(parts))
    if problems:
        raise ValueError("; ".join(problems) + ".")
    username, password = url.login(parts)
    return RedisUrl(
        host=parts.hostname or "",
        port=parts.port or _PORT,
        database=int(parts.path.strip("/") or 0),
        tls=parts.scheme == "rediss",
        cluster=parts.query == "cluster=true",
        username=username,
        password=password,
    )


def _problems(parts: SplitResult) -> Iterator[str]:
    database = parts.path.strip("/")
    yield from url.problems(parts, "redis.example.com")
    if parts.fragment or (database and not (database.isascii() and database.isdecimal())):
        yield f"after the host only a database's number may stand; {url.ENCODE}"
    elif database and int(database) > _HIGHEST_DATABASE:
        yield "its database's number is too high"
    if parts.query not in {"", "cluster=true", "cluster=false"}:
        yield "the one option is cluster=true"
    if parts.query == "cluster=true" and database.strip("0"):
        yield "a cluster has only the database 0"
    if parts.username and not parts.password:
        yield "it names a user without a password"
