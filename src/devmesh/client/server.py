"""A running server as a command speaks to it: replies as JSON values, refusals as errors with their next step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import quote, urlencode

from devmesh.client.address import Address
from devmesh.client.failure import Away, Refused
from devmesh.client.steps import advised, spoken
from devmesh.client.wire import WHOLE_SECONDS, Answer, send

API = "/api/v1"
# What the server asks for by Retry-After is waited for up to this, so often; then the person is told.
LONGEST_WAIT = 20.0
_MOST_WAITS = 3
_PAGE = 200
_MANY_REQUESTS = 429
_UNAUTHENTICATED = 401
_NO_CONTENT = 204
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_UNAVAILABLE = (502, 503, 504)
_HIDDEN = "[hidden]"
_ELSEWHERE = "Is that the server's address? See --url and DEVMESH_URL."


class Credential(Protocol):
    """What requests are sent with."""

    def secret(self) -> str | None:
        """Return what stands behind `Bearer`; None for a request of nobody's. Raises Failed."""

    def renewed(self, spent: str, problem: str) -> bool:
        """Return whether `secret` gives another one, now that `spent` was refused with that problem's code."""

    def advice(self, problem: str) -> str:
        """Return the next step that a person has after that problem; empty where the server's own is as good."""


class Reply(dict[str, Any]):
    """An object out of a reply; a member that should be there and is not means that no server of ours answered."""

    def listed(self, name: str) -> list[Any]:
        """Return the list of that name; raise Away for anything else."""
        value = self[name]
        return value if isinstance(value, list) else self.__missing__(name)

    def __missing__(self, name: str) -> NoReturn:
        """Raise Away."""
        raise Away(f"The answer lacks '{name}': it is not what was asked for.", "Is it a server of Developer Mesh?")


class Nobody:
    """Requests that need no credential: registration and login."""

    def secret(self) -> str | None:
        """Return None."""
        return None

    def renewed(self, spent: str, problem: str) -> bool:
        """Return False: there is nothing to renew."""
        del spent, problem
        return False

    def advice(self, problem: str) -> str:
        """Return nothing: the server's word is enough."""
        del problem
        return ""


@dataclass(slots=True)
class Server:
    """Sends requests to one server with one credential.

    Only what was refused before anything happened is sent again: 429 after the time that the server names, and once
    after 401 where the credential could be renewed. `whole_seconds` bounds each answer.
    """

    address: Address
    credential: Credential = field(repr=False)
    wait: Callable[[float], None] = time.sleep
    longest_wait: float = LONGEST_WAIT
    whole_seconds: float = WHOLE_SECONDS

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the decoded reply of the route `path` (below /api/v1), empty for 204; raise Refused or Away."""
        target = API + path + (f"?{urlencode(_given(query), doseq=True)}" if query and _given(query) else "")
        waits, renewed = 0, False
        while True:
            secret = self.credential.secret()
            sent = {**(headers or {}), **({"Authorization": f"Bearer {secret}"} if secret else {})}
            answer = send(self.address, method, target, sent, body, whole_seconds=self.whole_seconds)
            if answer.status in _SUCCESS:
                return Reply() if answer.status == _NO_CONTENT else _decoded(answer, self.address)
            refused = self._refused(answer, secret)
            again = refused.retry_after or 0
            if refused.status == _MANY_REQUESTS and waits < _MOST_WAITS and 0 < again <= self.longest_wait:
                waits += 1
                self.wait(again)
            elif refused.status == _UNAUTHENTICATED and secret and not renewed:
                renewed = self.credential.renewed(secret, refused.problem)
                if not renewed:
                    raise refused
            else:
                raise refused

    def pages(
        self,
        path: str,
        name: str,
        *,
        query: Mapping[str, object] | None = None,
        most: int | None = None,
        told: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Any]:
        """Yield the entries of a list, up to `most`, page by page; `told` hears how many there were so far."""
        cursor, left, seen = None, most, 0
        while left is None or left > 0:
            limit = _PAGE if left is None else min(left, _PAGE)
            page = self.ask("GET", path, query={**(query or {}), "limit": limit, "cursor": cursor})
            entries = page.listed(name)
            yield from entries
            seen += len(entries)
            told(seen)
            left = None if left is None else left - len(entries)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _refused(self, answer: Answer, secret: str | None) -> Refused:
        problem = _problem(answer, self.address)
        code = str(problem["code"])
        what = spoken(str(problem.get("detail") or problem.get("error") or "The server refused that."))
        hint = self.credential.advice(code) or advised(code, str(problem.get("hint") or ""))
        if faults := _faults(problem):
            what, hint = f"The server does not take that.\n{faults}", "Correct that, and run the command again."
        if secret:
            what, hint = what.replace(secret, _HIDDEN), hint.replace(secret, _HIDDEN)
        return Refused(answer.status, code, what, hint, _seconds(answer.headers.get("retry-after", "")))


def _faults(problem: Reply) -> str:
    faults = problem.get("errors")
    listed = [fault for fault in faults if isinstance(fault, dict)] if isinstance(faults, list) else []
    return "\n".join(f"  {fault.get('field')}: {fault.get('message')}" for fault in listed)


def in_path(text: str) -> str:
    """Return the text as one step of a path."""
    # A step of dots would be taken for the way up.
    return quote(text, safe="") if text.strip(".") else quote(text, safe="").replace(".", "%2E")


def _given(query: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in query.items() if value is not None}


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _decoded(answer: Answer, address: Address) -> Reply:
    try:
        reply = json.loads(answer.body, object_hook=Reply)
    except (ValueError, RecursionError):
        raise _strange(answer, address) from None
    if not isinstance(reply, Reply):
        raise _foreign(answer, address)
    return reply


def _problem(answer: Answer, address: Address) -> Reply:
    """Return the problem document; raise Away for a refusal that no server of ours gives."""
    if answer.status in _REDIRECT:
        raise Away(
            f"{address.url} sends elsewhere ({answer.status}), and nothing is sent after that.",
            "Name the address that it leads to, with --url or in DEVMESH_URL.",
        )
    problem = _decoded(answer, address)
    if "code" not in problem:
        raise _foreign(answer, address)
    return problem


def _foreign(answer: Answer, address: Address) -> Away:
    """Return the error for whole JSON of a form that is none of ours."""
    if answer.status in _UNAVAILABLE:
        return _strange(answer, address)
    return Away(f"What answers at {address.url} is no Developer Mesh ({answer.status}).", _ELSEWHERE)


def _strange(answer: Answer, address: Address) -> Away:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status in _UNAVAILABLE:
        return Away(f"{address.url} is not available now ({answer.status}).", "Try again in a moment.")
    if kind.endswith("json"):
        return Away(f"The answer of {address.url} is no whole JSON ({answer.status}).", "Try again.")
    shown = {"text/html": "a web page", "": "something unnamed", "text/plain": "plain text"}.get(kind, "another format")
    return Away(
        f"{address.url} answered {shown}, not JSON as Developer Mesh does ({answer.status}).",
        _ELSEWHERE,
    )
