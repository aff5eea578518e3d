"""A key in a wrong form or place is refused, and no byte of the reply tells a live key from a dead one."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from http_talk import Served, Talk

if TYPE_CHECKING:
    from running import Mesh, Organization

# What differs from reply to reply, whatever is asked.
OWN = {"x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"}
LOOKALIKE = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "_": "\uff3f", "u": "\uff55"}

# In the right place, in a wrong form.
SPOILED: dict[str, Callable[[str], str]] = {
    "last character changed": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "inner character changed": lambda key: key[:20] + ("a" if key[20] != "a" else "b") + key[21:],
    "a character changed to a dot": lambda key: key[:20] + "." + key[21:],
    "two characters changed to dots": lambda key: f"{key[:20]}.{key[21:30]}.{key[31:]}",
    "a character changed to a slash": lambda key: key[:20] + "/" + key[21:],
    "two characters swapped": lambda key: key[:10] + key[11] + key[10] + key[12:] if key[10] != key[11] else key[:-1],
    "other case": str.swapcase,
    "upper case": lambda key: key.upper() + "x",
    "upper-case prefix": lambda key: key[:4].upper() + key[4:],
    "blank inside": lambda key: key[:20] + " " + key[20:],
    "blank behind the prefix": lambda key: key[:4] + " " + key[4:],
    "tab inside": lambda key: key[:20] + "\t" + key[20:],
    "no-break space behind": lambda key: key + "\xa0",
    "double quotes": lambda key: f'"{key}"',
    "single quotes": lambda key: f"'{key}'",
    "backquotes": lambda key: f"`{key}`",
    "angle brackets": lambda key: f"<{key}>",
    "percent-encoded prefix": lambda key: key.replace("_", "%5F", 1),
    "percent-encoded whole": lambda key: "".join(f"%{ord(character):02X}" for character in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "prefix of another type": lambda key: "adm_" + key[4:],
    "no prefix": lambda key: key[4:],
    "the guide's old prefix": lambda key: "devmesh_" + key[4:],
    "truncated by one": lambda key: key[:-1],
    "truncated to what is shown": lambda key: key[:8],
    "longer by one": lambda key: key + "A",
    "doubled": lambda key: key + key,
    "twice, with a comma": lambda key: f"{key}, {key}",
    "with a semicolon": lambda key: key + ";",
    "with its name": lambda key: f"key={key}",
    "reversed": lambda key: key[::-1],
    "made up": lambda key: key[:4] + "A" * 43,
    "wide prefix": lambda key: "".join(LOOKALIKE.get(character, character) for character in key[:4]) + key[4:],
    "a long one": lambda key: key * 100,
}  # fmt: skip


def lookalike(key: str) -> str:
    at = next((at for at, character in enumerate(key) if at > 3 and character in LOOKALIKE), 4)
    return key[:at] + LOOKALIKE.get(key[at], "\u0430") + key[at + 1 :]


SPOILED["one lookalike"] = lookalike

# In a wrong place, whole: (target, headers).
MISPLACED: dict[str, Callable[[str], tuple[str, dict[str, str]]]] = {
    "query": lambda key: (f"?api_key={key}", {}),
    "query under another name": lambda key: (f"?q={key}", {}),
    "query, percent-encoded": lambda key: (f"?q={urllib.parse.quote(key).replace('_', '%5f')}", {}),
    "cookie": lambda key: ("", {"Cookie": f"session={key}"}),
    "cookie, percent-encoded": lambda key: ("", {"Cookie": f"session={key.replace('_', '%5F')}"}),
    "the scheme Basic, as the user": lambda key: ("", {"Authorization": f"Basic {encoded(key + ':')}"}),
    "the scheme Basic, as the password": lambda key: ("", {"Authorization": f"Basic {encoded('x:' + key)}"}),
    "the scheme Token": lambda key: ("", {"Authorization": f"Token {key}"}),
    "the scheme ApiKey": lambda key: ("", {"Authorization": f"ApiKey {key}"}),
    "no scheme": lambda key: ("", {"Authorization": key}),
    "scheme and colon": lambda key: ("", {"Authorization": f"Bearer: {key}"}),
    "scheme and tab": lambda key: ("", {"Authorization": f"Bearer\t{key}"}),
    "scheme in X-API-Key": lambda key: ("", {"X-API-Key": f"Bearer {key}"}),
    "two schemes": lambda key: ("", {"Authorization": f"Bearer Bearer {key}"}),
    "another header": lambda key: ("", {"X-Auth-Token": key, "Api-Key": key, "Proxy-Authorization": f"Bearer {key}"}),
    "beside another credential": lambda key: ("", {"Authorization": f"Bearer {key}", "X-API-Key": key[:-1] + "!"}),
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def asked(
    mesh: Mesh, method: str, path: str, headers: dict[str, str], body: Any = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send exactly these header values, as UTF-8; return the reply without what is each reply's own."""
    raw = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Content-Type: application/json"] if raw else []
    port = int(mesh.url.rpartition(":")[2])
    async with Served(None, port).talk("\r\n".join([*lines, "", ""]).encode() + raw) as talk:
        said = await Talk.hear(talk)
    own = said.headers["x-request-id"].encode()
    instance = json.dumps(path.partition("?")[0]).encode()
    told = sorted((name, value) for name, value in said.headers.items() if name not in OWN)
    return said.status, told, said.body.replace(own, b"ID").replace(instance, b"INSTANCE")


async def revoked(organization: Organization) -> str:
    key = await organization.new_key(key_type="user")
    _, keys = await organization.ask("GET", "/api/v1/api-keys?limit=200")
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    assert (await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}"))[0] == 200
    return key


REST = ("GET", "/api/v1/auth/profile", None)
MCP = ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


@pytest.fixture(scope="module")
async def dead_and_live(mesh: Mesh) -> tuple[str, str]:
    organization = await mesh.organization()
    return await revoked(organization), await organization.new_key(key_type="user")


@pytest.mark.parametrize("how", SPOILED)
async def test_a_spoiled_key_gets_the_reply_that_a_revoked_one_gets(
    mesh: Mesh, dead_and_live: tuple[str, str], how: str
):
    dead, live = dead_and_live
    wrong = SPOILED[how](live)
    assert wrong != live
    for method, path, body in (REST, MCP):
        for header, scheme in (("Authorization", "Bearer "), ("Authorization", "bEARER  "), ("X-API-Key", "")):
            expected = await asked(mesh, method, path, {header: scheme + dead}, body)
            assert expected[0] == 401
            assert await asked(mesh, method, path, {header: scheme + wrong}, body) == expected


@pytest.mark.parametrize("where", MISPLACED)
async def test_a_misplaced_key_gets_the_reply_that_a_revoked_one_gets_there(
    mesh: Mesh, dead_and_live: tuple[str, str], where: str
):
    dead, live = dead_and_live
    for method, path, body in (REST, MCP):
        replies = []
        for key in (dead, live):
            query, headers = MISPLACED[where](key)
            replies.append(await asked(mesh, method, path + query, headers, body))
        assert replies[0] == replies[1]
        assert replies[0][0] in (400, 401)
        assert live[8:].encode() not in replies[1][2]


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/contexts", "/metrics", "/api/v1/nowhere"])
async def test_a_wrong_key_is_told_from_a_revoked_one_nowhere(mesh: Mesh, dead_and_live: tuple[str, str], path: str):
    dead, live = dead_and_live
    expected = await asked(mesh, "GET", path, {"Authorization": f"Bearer {dead}"})
    assert expected[0] == 401
    for wrong in (live[:-1], live + "A", live.swapcase(), "x"):
        assert await asked(mesh, "GET", path, {"Authorization": f"Bearer {wrong}"}) == expected


async def test_the_blanks_around_a_key_are_not_the_keys(mesh: Mesh, dead_and_live: tuple[str, str]):
    _, live = dead_and_live
    for method, path, body in (REST, MCP):
        for headers in ({"Authorization": f"bEARER   {live}  "}, {"X-API-Key": f" {live}\t"}):
            assert (await asked(mesh, method, path, headers, body))[0] == 200
