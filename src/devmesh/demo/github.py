"""A stand-in for GitHub on loopback: knows a few tokens, keeps issues, and records every request that it receives."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

_ISSUES = re.compile(r"/repos/([^/]+)/([^/]+)/issues")
_ISSUE = re.compile(r"/repos/([^/]+)/([^/]+)/issues/(\d+)")
_REASONS = {200: "OK", 201: "Created", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes


# Answers instead of the stand-in: (status, JSON value, headers), or None to let it answer.
Answer = Callable[[Received], tuple[int, Any, Mapping[str, str]] | None]


class GitHub:
    """The service: `async with GitHub({"token": "login"}) as github`, then `github.url` and `github.received`."""

    def __init__(self, logins: Mapping[str, str], answer: Answer = lambda _received: None) -> None:
        self.logins = dict(logins)
        self.answer = answer
        self.received: list[Received] = []
        self.issues: list[dict[str, Any]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The base URL to store beside a token."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.close()
        await asyncio.sleep(0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                received = await _read(reader)
                self.received.append(received)
                status, value, headers = self.answer(received) or self._answer(received)
                writer.write(_reply(status, value, headers))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            with contextlib.suppress(ConnectionError):
                writer.close()

    def _answer(self, received: Received) -> tuple[int, Any, Mapping[str, str]]:
        login = self.logins.get(received.headers.get("authorization", "").removeprefix("Bearer "))
        if login is None:
            return 401, {"message": "Bad credentials", "status": "401"}, {}
        if (received.method, received.path) == ("GET", "/user"):
            return 200, {"login": login, "id": 1}, {"x-oauth-scopes": "repo, read:org"}
        if received.method == "POST" and (match := _ISSUES.fullmatch(received.path)):
            return 201, self._create(match[1], match[2], login, msgspec.json.decode(received.body)), {}
        if received.method == "GET" and (match := _ISSUE.fullmatch(received.path)):
            return self._find(match[1], match[2], int(match[3]))
        return 404, {"message": "Not Found", "status": "404"}, {}

    def _create(self, owner: str, repo: str, login: str, body: Mapping[str, Any]) -> dict[str, Any]:
        number = len(self.issues) + 1
        issue = {
            "number": number,
            "title": body["title"],
            "body": body.get("body"),
            "state": "open",
            "user": {"login": login},
            "html_url": f"https://github.com/{owner}/{repo}/issues/{number}",
            "repository": f"{owner}/{repo}",
        }
        self.issues.append(issue)
        return issue

    def _find(self, owner: str, repo: str, number: int) -> tuple[int, Any, Mapping[str, str]]:
        for issue in self.issues:
            if (issue["repository"], issue["number"]) == (f"{owner}/{repo}", number):
                return 200, issue, {}
        return 404, {"message": "Not Found", "status": "404"}, {}


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name:
            headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path, _, query = target.partition("?")
    return Received(method, path, query, headers, body)


def _reply(status: int, value: Any, headers: Mapping[str, str]) -> bytes:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        *(f"{name}: {text}" for name, text in {"content-type": "application/json; charset=utf-8", **headers}.items()),
        f"content-length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
