"""The scenarios of sdk/scenarios.json, taken by both clients of the Python SDK: the blocking and the awaiting one."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import devmesh_sdk
from devmesh_sdk import ApiKey, AsyncClient, Client, DeveloperMeshError, Login
from sdk.world import World

SCENARIOS = json.loads((Path(__file__).parents[2] / "sdk" / "scenarios.json").read_text())
SECRET = re.compile(r"api_key|password|_token$")
# No step may hang: a restart takes seconds, everything else less.
LONGEST_SECONDS = 60


class InThreads:
    """A blocking client, each of whose calls has a thread of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._client = Client(*args, **options)
        self._threads = ThreadPoolExecutor(64)

    async def call(self, group: str, method: str, *of: Any, **given: Any) -> Any:
        called = partial(getattr(getattr(self._client, group), method), *of, **given)
        return await asyncio.get_running_loop().run_in_executor(self._threads, called)

    async def close(self) -> None:
        self._threads.shutdown()
        self._client.close()


class InTasks:
    """An awaiting client."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._client = AsyncClient(*args, **options)

    async def call(self, group: str, method: str, *of: Any, **given: Any) -> Any:
        return await getattr(getattr(self._client, group), method)(*of, **given)

    async def close(self) -> None:
        await self._client.aclose()


class Runner:
    """Takes the steps of one scenario."""

    def __init__(self, kind: type[InThreads | InTasks], values: Mapping[str, Any], http: aiohttp.ClientSession) -> None:
        self.values = {**values, "unique": secrets.token_hex(6)}
        self.taken = 0
        self._kind = kind
        self._http = http
        self._clients: dict[str, InThreads | InTasks] = {}
        self._made: list[InThreads | InTasks] = []

    async def take(self, steps: Iterable[Mapping[str, Any]]) -> None:
        for step in steps:
            self.taken += 1
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._kind_of(step)(step)

    async def close(self) -> None:
        for client in self._made:
            await client.close()

    def _kind_of(self, step: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
        takers = {"client": self._client, "call": self._call, "control": self._control, "during": self._during}
        [taker] = [taker for name, taker in takers.items() if name in step]
        return taker

    async def _client(self, step: Mapping[str, Any]) -> None:
        given = self._filled({"base_url": "${base_url}", "retries": 3, "timeout_seconds": 30, **step})
        auth = given.get("auth")
        if auth is not None:
            auth = ApiKey(auth["key"]) if auth["type"] == "api-key" else Login(auth["username"], auth["password"])
        client = self._kind(
            given["base_url"],
            auth,
            tenant=given.get("tenant"),
            retries=given["retries"],
            timeout=given["timeout_seconds"],
        )
        self._clients[step["client"]] = client
        self._made.append(client)

    async def _call(self, step: Mapping[str, Any]) -> None:
        await asyncio.gather(*(self._called(step) for _ in range(step.get("times", 1))))

    async def _called(self, step: Mapping[str, Any]) -> None:
        group, method = (snake(name) for name in step["call"].split("."))
        call = self._clients[step["as"]].call(
            group, method, *self._filled(step.get("of", [])), **self._filled(step.get("with", {}))
        )
        if "error" not in step:
            self._judge(step, await call)
            return
        with pytest.raises(DeveloperMeshError) as raised:
            await call
        self._judge_error(self._filled(step["error"]), raised.value)

    async def _control(self, step: Mapping[str, Any]) -> None:
        url = f"{self.values['control_url']}/{step['control']}"
        async with self._http.post(url, json=self._filled(step.get("with", {}))) as reply:
            assert reply.status == 200, await reply.text()
            self._judge(step, await reply.json())

    async def _during(self, step: Mapping[str, Any]) -> None:
        over = asyncio.Event()
        calls = [0] * step["workers"]

        async def worker(number: int) -> None:
            while not (over.is_set() and calls[number]):
                await self._called(step["during"])
                calls[number] += 1

        async with asyncio.TaskGroup() as group:
            for number in range(step["workers"]):
                group.create_task(worker(number))
            try:
                await self.take(step["steps"])
            finally:
                over.set()
        assert min(calls) >= 1

    def _judge(self, step: Mapping[str, Any], reply: Any) -> None:
        for path, expected in self._filled(step.get("expect", {})).items():
            found, there = at(reply, path)
            assert meets(expected, found, there=there), f"{step['call']}: {path} is {found!r}, not {expected!r}"
        for name, path in step.get("save", {}).items():
            found, there = at(reply, path)
            assert there, f"{path} is not in the reply"
            self.values[name] = found

    def _judge_error(self, expected: Mapping[str, Any], error: DeveloperMeshError) -> None:
        assert type(error) is getattr(devmesh_sdk, expected["type"]), repr(error)
        assert error.code == expected.get("code", error.code)
        assert error.status == expected.get("status", error.status)
        assert (error.retry_after or 0) >= expected.get("retry_after_at_least", 0)
        assert re.search(expected.get("hint", ""), error.hint)
        if "field" in expected:
            assert expected["field"] in [fault.field for fault in error.fields]
        shown = f"{error} {error!r} {vars(error)} {error.__cause__!r} {error.__context__!r}"
        held = [value for name, value in self.values.items() if SECRET.search(name)]
        assert [secret for secret in held if secret in shown] == []

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            whole = re.fullmatch(r"\$\{(\w+)\}", value)
            return self.values[whole[1]] if whole else re.sub(r"\$\{(\w+)\}", self._text, value)
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        return [self._filled(inner) for inner in value] if isinstance(value, list) else value

    def _text(self, found: re.Match[str]) -> str:
        return str(self.values[found[1]])


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def at(reply: Any, path: str) -> tuple[Any, bool]:
    """Return what stands at the dotted path, and whether anything does."""
    for name in path.split(".") if path else ():
        try:
            reply = reply[int(name)] if isinstance(reply, list) else reply[name]
        except (KeyError, IndexError, TypeError):
            return None, False
    return reply, True


def meets(expected: Any, found: Any, *, there: bool) -> bool:
    if isinstance(expected, dict) and len(expected) == 1:
        [(how, value)] = expected.items()
        if how == "absent":
            return there is not value
        if how == "matches":
            return isinstance(found, str) and re.search(value, found) is not None
        if how == "at_least":
            return there and found >= value
    return there and found == expected


@pytest.mark.parametrize("kind", [InThreads, InTasks])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario["name"] for scenario in SCENARIOS])
async def test_the_scenario_holds(scenario: dict[str, Any], kind: type[InThreads | InTasks], sdk_world: World):
    async with aiohttp.ClientSession() as http:
        runner = Runner(kind, sdk_world.values, http)
        try:
            await runner.take([{"control": "reset"}, *scenario["steps"]])
        finally:
            await runner.close()
        assert runner.taken > len(scenario["steps"])


def test_what_is_expected_can_be_missed():
    assert meets({"absent": True}, None, there=False)
    assert not meets({"absent": True}, None, there=True)
    assert not meets({"matches": "^a"}, "ba", there=True)
    assert not meets({"at_least": 2}, 1, there=True)
    assert not meets(None, None, there=False)
    assert not meets({"step": 1}, {"step": 2}, there=True)
    assert at({"a": [{"b": 1}]}, "a.0.b") == (1, True)
    assert at({"a": []}, "a.0.b") == (None, False)
