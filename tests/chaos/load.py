"""Clients that never stop, and a ledger of what each was told."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chaos.witness import Witness
from running import Mesh, Organization

# (status, decoded body); None: whether the request took effect, nobody told.
Answer = tuple[int, Any] | None
NOTHING_SENT = "Nothing was sent."


@dataclass
class Ledger:
    """What replies promised; whatever they did not say is in neither of two sets."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict)  # by title: number, receipt, organization
    read: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # (organization, receipt)
    unsent: set[str] = field(default_factory=set)  # titles of which the reply said that nothing was sent
    untold: set[str] = field(default_factory=set)  # titles without a reply
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # by id: organization, secret
    revoked: set[str] = field(default_factory=set)
    ending: set[str] = field(default_factory=set)  # asked to be revoked, perhaps without an answer
    stored: dict[str, set[str | None]] = field(default_factory=dict)  # by organization: what may be stored
    surprises: list[str] = field(default_factory=list)


@dataclass
class Outside(Mesh):
    """An installation seen from outside: how many requests were sent with each key, how long the slowest took.

    `served` counts those that were answered, and not to come again later.
    """

    requests: Counter[str] = field(default_factory=Counter)
    served: int = 0
    slowest: float = 0.0

    def requests_of(self, prefix: str) -> int:
        return sum(count for key, count in self.requests.items() if key.startswith(prefix))


class Load:
    """Everything at once, while it is entered: agents that call tools, people who make keys and store credentials."""

    def __init__(self, outside: Outside, github: Witness) -> None:
        self.ledger = Ledger()
        self.organizations: dict[str, Organization] = {}
        self.outside = outside
        self._github = github
        self._clients: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._over = False

    async def prepare(self, agents: int = 3) -> None:
        """Register two organizations of agents and one that is busy with its keys and credentials."""
        for place in range(2):
            organization = await self._organization(f"tok-{place}")
            await self._store(organization, f"tok-{place}", "for good")
            key = await organization.new_key(key_type="user")
            for number in range(agents):
                self._add(self._agent, organization, key, f"{place}-{number}")
        busy = await self._organization("tok-busy")
        self.ledger.stored[busy.id] = {None}
        self._add(self._keeper, busy)
        self._add(self._storer, busy)

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(client()) for client in self._clients]

    async def __aexit__(self, *_: object) -> None:
        """Let every client end its last request."""
        self._over = True
        await asyncio.gather(*self._tasks)

    async def ask(self, organization: Organization, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        """Send one request; what no client may ever be told is a surprise."""
        try:
            status, reply = await organization.ask(method, path, body, key=key or None)
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
            await asyncio.sleep(0.05)
            return None
        if status == 503:
            await asyncio.sleep(0.05)
        elif status >= 500:
            self.ledger.surprises.append(f"{method} {path}: {status} {reply}")
        return status, reply

    async def call(self, organization: Organization, tool: str, arguments: Mapping[str, Any], key: str) -> Answer:
        """Call a tool over MCP."""
        params = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return await self.ask(organization, "POST", "/mcp", message, key)

    def _add(self, client: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        self._clients.append(lambda: client(*arguments))

    async def _organization(self, token: str) -> Organization:
        organization = await self.outside.organization()
        self.organizations[organization.id] = organization
        self._github.add(token, organization.id)
        return organization

    async def _store(self, organization: Organization, token: str, name: str) -> Answer:
        body = {
            "service_type": "github",
            "credentials": {"token": token},
            "metadata": {"base_url": self._github.url, "description": name},
        }
        return await self.ask(organization, "POST", "/api/v1/credentials", body)

    async def _agent(self, organization: Organization, key: str, name: str) -> None:
        number = 0
        while not self._over:
            number += 1
            title = f"{name}-{number}"
            arguments = {"owner": "acme", "repo": f"repo-{name}", "title": title}
            answer = await self.call(organization, "github.create_issue", arguments, key)
            issue = self._created(organization, title, answer)
            if issue is not None:
                arguments = {"owner": "acme", "repo": f"repo-{name}", "issue_number": issue["number"]}
                self._found(organization, title, await self.call(organization, "github.get_issue", arguments, key))
            await asyncio.sleep(0.01)

    def _created(self, organization: Organization, title: str, answer: Answer) -> dict[str, Any] | None:
        result = _result(answer)
        if answer is None:
            self.ledger.untold.add(title)
        elif answer[0] == 503 or (result.get("isError") and NOTHING_SENT in _text(result)):
            self.ledger.unsent.add(title)
        elif result.get("isError"):
            self._unless_away(result, title)
            if result["_meta"]["code"] == "database_unavailable":
                self.ledger.unsent.add(title)
        elif answer[0] != 200 or result["structuredContent"]["title"] != title:
            self.ledger.surprises.append(f"create {title}: {answer}")
        else:
            issue = result["structuredContent"]
            told = {"number": issue["number"], "receipt": result["_meta"]["receipt"], "organization": organization.id}
            self.ledger.issues[title] = told
            return told
        return None

    def _found(self, organization: Organization, title: str, answer: Answer) -> None:
        result = _result(answer)
        if answer is None or answer[0] == 503:
            return
        if result.get("isError"):
            self._unless_away(result, title)
        elif answer[0] != 200 or result["structuredContent"]["title"] != title:
            self.ledger.surprises.append(f"get {title}: {answer}")
        else:
            self.ledger.read.append((organization.id, result["_meta"]["receipt"]))

    def _unless_away(self, result: Mapping[str, Any], title: str) -> None:
        if result["_meta"].get("code") not in ("audit_unavailable", "database_unavailable"):
            self.ledger.surprises.append(f"{title}: {result}")

    async def _keeper(self, organization: Organization) -> None:
        number = 0
        while not self._over:
            number += 1
            answer = await self.ask(organization, "POST", "/api/v1/api-keys", {"name": f"key {number}"})
            if answer is not None and answer[0] == 201:
                self.ledger.keys[answer[1]["id"]] = (organization.id, answer[1]["api_key"])
                if number % 2:
                    await self._revoke(organization, answer[1]["id"], answer[1]["api_key"])
            elif answer is not None and answer[0] != 503:
                self.ledger.surprises.append(f"new key: {answer}")
            await asyncio.sleep(0.02)

    async def _revoke(self, organization: Organization, key_id: str, secret: str) -> None:
        used = await self.ask(organization, "GET", "/api/v1/auth/profile", key=secret)
        if used is not None and used[0] not in (200, 503):
            self.ledger.surprises.append(f"an acknowledged key: {used}")
        self.ledger.ending.add(key_id)
        answer = await self.ask(organization, "DELETE", f"/api/v1/api-keys/{key_id}")
        if answer is not None and answer[0] == 200:
            self.ledger.revoked.add(key_id)
            used = await self.ask(organization, "GET", "/api/v1/auth/profile", key=secret)
            if used is not None and used[0] not in (401, 503):
                self.ledger.surprises.append(f"a revoked key: {used}")
        elif answer is not None and answer[0] != 503:
            self.ledger.surprises.append(f"revoke: {answer}")

    async def _storer(self, organization: Organization) -> None:
        number = 0
        while not self._over:
            number += 1
            if number % 3:
                name = f"name {number}"
                answer = await self._store(organization, "tok-busy", name)
                self._now(organization.id, name, answer, 201)
            else:
                answer = await self.ask(organization, "DELETE", "/api/v1/credentials/github")
                self._now(organization.id, None, answer, 204)
            await self._see(organization)
            await asyncio.sleep(0.02)

    def _now(self, organization_id: str, value: str | None, answer: Answer, expected: int) -> None:
        if answer is not None and answer[0] == expected:
            self.ledger.stored[organization_id] = {value}
        elif answer is None or answer[0] == 503:
            self.ledger.stored[organization_id].add(value)
        elif not (answer[0] == 404 and None in self.ledger.stored[organization_id]):
            self.ledger.surprises.append(f"store {value}: {answer}")

    async def _see(self, organization: Organization) -> None:
        answer = await self.ask(organization, "GET", "/api/v1/credentials")
        if answer is None or answer[0] == 503:
            return
        names = [entry["metadata"]["description"] for entry in answer[1]["credentials"]] or [None]
        if len(names) != 1 or names[0] not in self.ledger.stored[organization.id]:
            self.ledger.surprises.append(f"stored: {names}, expected one of {self.ledger.stored[organization.id]}")
        self.ledger.stored[organization.id] = {names[0]}


def _result(answer: Answer) -> dict[str, Any]:
    return (answer[1] or {}).get("result") or {} if answer is not None else {}


def _text(result: Mapping[str, Any]) -> str:
    return result["content"][0]["text"]
