"""A program to serve in tests: it tells its process, reaches the database, takes its time, or refuses to start."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg

from devmesh.db.pool import DatabaseAway


class StandIn:
    def __init__(self, app: dict[str, Any], data_dir: Path) -> None:
        self.app = app
        self.data_dir = data_dir

    async def asgi(self, scope, receive, send):
        message = await receive()
        assert not message.get("more_body")
        body = await self.answer(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body.encode()})

    async def answer(self, path: str) -> str:
        if path == "/slow":
            (self.data_dir / "slow.begun").touch()
            while not (self.data_dir / "slow.go-on").exists():  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.02)
        if path == "/endless":
            (self.data_dir / "endless.begun").touch()
            await asyncio.sleep(600)
        if path == "/who":
            try:
                connection = await asyncpg.connect(**self.app, timeout=2)
                try:
                    return await connection.fetchval("select current_user::text")
                finally:
                    await connection.close()
            except (OSError, asyncpg.PostgresError):
                return "nobody"
        return str(os.getpid())

    async def close(self) -> None:
        (self.data_dir / "closed").touch()


async def build(settings, master_key, app, direct):
    assert len(master_key) == 32
    marker = settings.data_dir / "refuse"
    if marker.exists():
        raise RuntimeError("this installation is\nmisconfigured")
    away = settings.data_dir / "away"
    if away.exists():
        away.unlink()
        raise DatabaseAway
    assert direct == app
    return StandIn(app, settings.data_dir)
