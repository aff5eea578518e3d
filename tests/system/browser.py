"""Debian's Chromium without a window, driven over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import aiohttp

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # nothing but our own pages is opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Browser:
    """`async with Browser() as browser`; `browser.complaints` is what it said of pages, policy violations included.

    The `hosts` are names that lead to this machine.
    """

    def __init__(self, *hosts: str) -> None:
        self._rules = ", ".join(f"MAP {host} 127.0.0.1" for host in hosts)
        self.complaints: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self._profile = Path(tempfile.mkdtemp(prefix="system-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [
                "/usr/bin/chromium",
                *_ARGUMENTS,
                f"--user-data-dir={self._profile}",
                f"--host-resolver-rules={self._rules}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = await self._port()
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(await self._first_page(port), max_msg_size=0)
        self._listening = asyncio.create_task(self._listen(), name="browser")
        for domain in ("Page", "Log", "Runtime", "Network"):
            await self._do(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        await self._socket.close()
        await self._http.close()
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)
        # Its helpers may still write while it ends.
        shutil.rmtree(self._profile, ignore_errors=True)

    async def open(self, url: str) -> None:
        """Open the address and return when its page is there."""
        result = await self._do("Page.navigate", url=url)
        assert "errorText" not in result, result
        await self.until("document.readyState === 'complete'")

    async def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = await self._do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = 30) -> None:
        """Return as soon as the expression is true in the page, be it one that is still being loaded."""
        until = time.monotonic() + seconds
        while not await self._holds(expression):
            assert time.monotonic() < until, (expression, self.complaints)
            await asyncio.sleep(0.05)

    async def _holds(self, expression: str) -> bool:
        answer = await self._send("Runtime.evaluate", expression=f"Boolean({expression})", returnByValue=True)
        return answer.get("result", {}).get("result", {}).get("value") is True

    async def press(self, selector: str) -> None:
        """Press the mouse in the middle of an element, as a person would."""
        middle = (
            f"(() => {{ const box = document.querySelector({selector!r}).getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        x, y = await self.ask(middle)
        for kind in ("mousePressed", "mouseReleased"):
            await self._do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self._do("Input.insertText", text=text)

    async def strike(self, key: str) -> None:
        """Strike Tab or Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            given = {"key": key, "code": key, "windowsVirtualKeyCode": code, **(text if kind == "keyDown" else {})}
            await self._do("Input.dispatchKeyEvent", type=kind, **given)

    async def _port(self) -> str:
        told = self._profile / "DevToolsActivePort"
        until = time.monotonic() + 30
        while not (told.exists() and "\n" in told.read_text()):
            assert time.monotonic() < until, "the browser did not start"
            await asyncio.sleep(0.05)
        return told.read_text().splitlines()[0]

    async def _first_page(self, port: str) -> str:
        """Return where to talk about its page: it may tell its port before it has one."""
        async with asyncio.timeout(30):
            while True:
                async with self._http.get(f"http://127.0.0.1:{port}/json/list") as reply:
                    pages = [target for target in await reply.json() if target["type"] == "page"]
                if pages:
                    address: str = pages[0]["webSocketDebuggerUrl"]
                    return address
                await asyncio.sleep(0.05)

    async def _do(self, method: str, **params: Any) -> Any:
        answer = await self._send(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def _send(self, method: str, **params: Any) -> Any:
        number = len(self._waiting) + 1
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(30):
            return await answered

    async def _listen(self) -> None:
        async for message in self._socket:
            heard = message.json()
            if "id" in heard:
                self._waiting[heard["id"]].set_result(heard)
            elif heard["method"] == "Log.entryAdded":
                entry = heard["params"]["entry"]
                self.complaints.append(f"{entry['source']} {entry['level']}: {entry['text']} ({entry.get('url')})")
            elif heard["method"] in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
                self.complaints.append(repr(heard["params"]))
            elif heard["method"] == "Network.requestWillBeSent":
                request = heard["params"]["request"]
                self.requests.append((request["method"], request["url"]))
