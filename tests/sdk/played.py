"""Takes the core's steps without a network: replies are given beforehand, and time passes only in pauses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from devmesh_sdk.core import Core
from devmesh_sdk.credentials import Auth
from devmesh_sdk.steps import Alone, Lost, Outcome, Pause, Reply, Send, Steps

URL = "https://mesh.example"
KEY = "usr_" + "k" * 43
GONE = Lost("connection_failed", unsent=False, reason="lost")
UNSENT = Lost("connection_failed", unsent=True, reason="refused")


def reply(status: int = 200, body: Any = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def problem(status: int, code: str, **more: Any) -> Reply:
    headers = {"retry_after": str(more["retry_after"])} if "retry_after" in more else {}
    return reply(status, {"code": code, "error": "Refused", "detail": "It is so.", "hint": "Do so.", **more}, **headers)


def tokens(number: int) -> Reply:
    return reply(200, {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 900})


class Play:
    """A core with the outcomes that its requests are to have; `sent` and `pauses` are what it asked for."""

    def __init__(self, *outcomes: Outcome, auth: Auth | None = None, retries: int = 3, timeout: float = 30) -> None:
        self.core = Core(URL, auth, tenant=None, timeout=timeout, retries=retries)
        self.core.clock = lambda: self.now
        self.now = 1000.0
        self.sent: list[Send] = []
        self.pauses: list[float] = []
        self.outcomes = list(outcomes)

    def take(self, steps: Steps[Any]) -> Any:
        """Return what the steps return, with the time and the outcomes that they take."""
        done: Outcome | None = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                return end.value
            done = self._done(step)

    def _done(self, step: Send | Pause | Alone) -> Outcome | None:
        if isinstance(step, Send):
            self.sent.append(step)
            return self.outcomes.pop(0)
        if isinstance(step, Pause):
            self.pauses.append(step.seconds)
            self.now += step.seconds
        else:
            self.take(step.steps)
        return None

    def bearers(self) -> list[str | None]:
        return [bearer_of(send) for send in self.sent]

    def paths(self) -> list[str]:
        return [send.url.removeprefix(URL) for send in self.sent]


def bearer_of(send: Send) -> str | None:
    value = send.headers.get("authorization")
    return value.removeprefix("Bearer ") if value is not None else None


def bodies(sends: Iterable[Send]) -> list[Any]:
    return [json.loads(send.content) for send in sends]
