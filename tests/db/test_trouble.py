from __future__ import annotations

import asyncio
import re

import asyncpg
import pytest

from devmesh.db.trouble import explain, may_pass


async def trouble(url: str) -> BaseException:
    with pytest.raises((OSError, asyncpg.InterfaceError)) as raised:
        await asyncpg.connect(url, timeout=5)
    return raised.value


@pytest.mark.parametrize(
    ("url", "mend", "passing"),
    [
        ("postgresql://a:hunter2@127.0.0.1:1/x", "host, port and sslmode in DEVMESH_DATABASE_URL", True),
        ("postgresql://a:hunter2@127.0.0.1:1/x?sslmode=maybe", "the options in DEVMESH_DATABASE_URL", False),
        ("postgresql://a:hunter2@127.0.0.1:1/x?sslmode=verify-ca&sslrootcert=/none", "sslrootcert", True),
    ],
)
async def test_a_line_says_what_is_wrong_and_what_to_do(url: str, mend: str, passing: bool):  # noqa: FBT001
    error = await trouble(url)
    said = explain(error)
    assert mend in said
    assert "hunter2" not in said
    assert "\n" not in said
    assert may_pass(error) is passing


async def test_a_server_without_tls_is_told_where_tls_is_asked_for():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        said = explain(
            await trouble(f"postgresql://a:b@127.0.0.1:{port}/x?sslmode=require"), "DEVMESH_DATABASE_DIRECT_URL"
        )
    assert re.search(r"rejected SSL upgrade.*sslmode in DEVMESH_DATABASE_DIRECT_URL", said)
