"""A small client of a running server, for commands that anybody with a key may use."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from devmesh.cli.connected import CommandFailed
from devmesh.settings import DEFAULT_PORT

DEFAULT_URL = f"http://localhost:{DEFAULT_PORT}"
_TIMEOUT = 30
_MANY_REQUESTS = 429
_LONGEST_WAIT = 120.0


class Refused(Exception):
    """The server's refusal: its status, its code, and in the text what happened and what to do next."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status = status
        self.code = code
        super().__init__(text)


def key_given() -> str:
    """Return the key from DEVMESH_API_KEY, from the terminal without an echo, or from standard input.

    Never from the command line: others on the machine can read that, and the shell keeps it.
    """
    key = os.environ.get("DEVMESH_API_KEY", "").strip()
    if not key:
        key = (getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not key or not key.isascii() or not key.isprintable():
        raise CommandFailed("set DEVMESH_API_KEY to an administrator's API key, or write the key to standard input.")
    return key


class Client:
    """Sends requests to one server with one key; waits where the server asks it to."""

    def __init__(self, url: str, key: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            parts, self._host = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not self._host or parts.path not in ("", "/"):
            raise CommandFailed(f"'{url}' is no server's address; write one like {DEFAULT_URL}.")
        if parts.scheme == "http" and not _is_loopback(self._host):
            raise CommandFailed(f"the key is not sent to {self._host} unencrypted; write https://.")
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._key = key
        self._wait = wait

    def __repr__(self) -> str:
        return f"Client({self._host})"

    def get_all(self, path: str, name: str, **query: str) -> Iterator[Any]:
        """Yield every entry of a list, page by page; raise Refused or CommandFailed."""
        cursor = None
        while True:
            asked = {**query, "limit": "200", **({"cursor": cursor} if cursor else {})}
            page = self.ask("GET", path + "?" + "&".join(f"{key}={quote(text)}" for key, text in asked.items()))
            yield from page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the decoded reply; raise Refused, or CommandFailed where no server of ours answers."""
        while True:
            status, headers, content = self._send(method, path, body)
            wait = float(headers.get("retry-after", "0") or 0)
            if status != _MANY_REQUESTS or not 0 < wait <= _LONGEST_WAIT:
                break
            self._wait(wait)
        try:
            reply = json.loads(content)
        except ValueError:
            raise CommandFailed(f"{self._host} answered {status}, and not as Developer Mesh does.") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
            problem = reply if isinstance(reply, dict) else {}
            text = f"{problem.get('detail', 'refused')} {problem.get('hint', '')}".strip()
            raise Refused(status, str(problem.get("code", "")), text)
        return reply

    def _send(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        connection = self._connect(self._host, self._port, timeout=_TIMEOUT)
        headers = {"Authorization": f"Bearer {self._key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(
                f"{self._host} does not answer ({type(error).__name__}): is the server there?"
            ) from None
        finally:
            connection.close()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
