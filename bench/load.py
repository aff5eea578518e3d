"""The load generator, a process of its own: reads a Job from stdin, prints an Outcome.

Keep-alive connections, each with one request on the way; requests are bytes made beforehand. Every reply is
looked at: one with another status, or with `must_not` in it, ends the run.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import msgspec

from processes import script


class Job(msgspec.Struct):
    """`count` requests to 127.0.0.1:`port`, `concurrency` at a time; `must_not` never stands in a good reply.

    Where a `number` stands in the request, each has its own there, with as many digits. Replies with `or_status` are
    good too.
    """

    port: int
    request: bytes
    count: int
    concurrency: int
    status: int = 200
    must_not: bytes = b'"isError":true'
    number: bytes = b""
    or_status: int = 0


class Outcome(msgspec.Struct):
    """What came of it; times in seconds."""

    count: int
    seconds: float
    p50: float
    p99: float
    count_of_status: int


def run(job: Job) -> Outcome:
    """Run the job in a new process and return its outcome; raise SystemExit for a wrong reply."""
    done = subprocess.run(script("load.py"), input=msgspec.json.encode(job), capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return msgspec.json.decode(done.stdout, type=Outcome)


class _Client(asyncio.Protocol):
    def __init__(self, job: Job, sent: list[int], times: list[float], good: list[int]) -> None:
        self._job = job
        self._expected = b"HTTP/1.1 %d" % job.status
        self._or = b"HTTP/1.1 %d" % job.or_status
        self._good = good
        self._sent = sent
        self._times = times
        self._received = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        end = received.find(b"\r\n\r\n")
        if end < 0 or len(received) < end + 4 + self._length(end):
            return
        self._times.append(time.perf_counter() - self._began)
        expected = received.startswith(self._expected)
        self._good[0] += expected
        if not (expected or received.startswith(self._or)) or self._job.must_not in received:
            self.done.set_exception(SystemExit(f"a wrong reply: {received[:2000].decode()}"))
            return
        received.clear()
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(SystemExit("the server closed a connection"))

    def _next(self) -> None:
        if self._sent[0] >= self._job.count:
            self.done.set_result(None)
            return
        self._sent[0] += 1
        self._began = time.perf_counter()
        asked = self._job.request
        if number := self._job.number:
            asked = asked.replace(number, b"%0*d" % (len(number), self._sent[0]), 1)
        self._transport.write(asked)

    def _length(self, end: int) -> int:
        head = bytes(self._received[:end]).lower()
        at = head.index(b"content-length:") + 15
        return int(head[at:].split(b"\r\n", 1)[0])


async def _main(job: Job) -> Outcome:
    loop = asyncio.get_running_loop()
    sent, times, good = [0], [], [0]
    began = time.perf_counter()
    clients = [
        (await loop.create_connection(lambda: _Client(job, sent, times, good), "127.0.0.1", job.port))[1]
        for _ in range(job.concurrency)
    ]
    await asyncio.gather(*(client.done for client in clients))
    times.sort()
    count = len(times)
    return Outcome(count, time.perf_counter() - began, times[count // 2], times[count * 99 // 100], good[0])


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(asyncio.run(_main(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))))
    )
