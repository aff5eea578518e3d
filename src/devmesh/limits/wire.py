"""What is said to Redis, and the client that says it: many commands in one pipeline, or one by one in a cluster."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from devmesh.settings import RedisUrl
from devmesh.trust import NOT_ASKED_FOR

Word = str | int
# What our scripts and commands answer: an integer, or a list of them.
Answer = Any
_CONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, and the name by which a server that has seen it knows it."""

    source: str
    digest: str

    @classmethod
    def load(cls, name: str) -> Script:
        """Return the script in that file of this package."""
        source = resources.files("devmesh.limits").joinpath(name).read_bytes()
        return cls(source.decode(), hashlib.sha1(source, usedforsecurity=False).hexdigest())


SPEND = Script.load("spend.lua")
ANNOUNCE = Script.load("announce.lua")


@dataclass(frozen=True, slots=True)
class Command:
    """A command; a script's is said by its digest, and again `in_full` to a server that does not know it."""

    words: tuple[Word, ...]
    source: str = ""

    @classmethod
    def script(cls, script: Script, keys: Sequence[str], arguments: Sequence[Word]) -> Command:
        """Return the command that runs the script with these keys and arguments."""
        return cls(("EVALSHA", script.digest, len(keys), *keys, *arguments), script.source)

    def in_full(self) -> Command:
        """Return the command with the script's whole text."""
        return Command(("EVAL", self.source, *self.words[2:]))


class Wire:
    """A client that tries nothing twice; a new one is made after each `drop`."""

    def __init__(self, url: RedisUrl) -> None:
        self._url = url
        self._client: Redis | RedisCluster | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self, commands: Sequence[Command]) -> list[Answer]:
        """Return each command's answer, or the error that it answered with; raise RedisError or OSError."""
        if self._client is None:
            self._client = _client(self._url)
        client = self._client
        if isinstance(client, RedisCluster):
            said = (client.execute_command(*command.words) for command in commands)
            return await asyncio.gather(*said, return_exceptions=True)
        pipeline = client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command.words)
        return await pipeline.execute(raise_on_error=False)

    def drop(self) -> None:
        """Let the connection go, without waiting for it."""
        client, self._client = self._client, None
        if client is not None:
            closing = asyncio.create_task(client.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Let the connection go."""
        self.drop()
        await asyncio.gather(*self._closing, return_exceptions=True)


def _client(url: RedisUrl) -> Redis | RedisCluster:
    common: dict[str, Any] = {
        "host": url.host,
        "port": url.port,
        "username": url.username,
        "password": url.password,
        "ssl": url.tls,
        "ssl_exclude_verify_flags": [NOT_ASKED_FOR],
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    return RedisCluster(**common) if url.cluster else Redis(**common, db=url.database)
