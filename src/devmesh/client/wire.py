"""One request over HTTP and its whole answer, or in words why there is none; nothing here hangs."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from devmesh import __version__
from devmesh.client.address import Address
from devmesh.client.failure import Away, Exit, Failed
from devmesh.trust import trusting

# Until the connection stands; between two parts of an answer; until all of it is there.
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
WHOLE_SECONDS = 180.0
_LARGEST = 64 * 1024 * 1024
_SAFE = ("GET", "HEAD")
_DOUBT = "Whether it was done is not known: look before you repeat it."


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def send(
    address: Address,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: object = None,
    *,
    whole_seconds: float = WHOLE_SECONDS,
) -> Answer:
    """Send one request, `body` as JSON, and return the answer; raise Away. No redirect is followed, no proxy asked.

    Raises Failed for a write that Ctrl-C ends before its answer is there.
    """
    sent = {"User-Agent": f"devmesh/{__version__}", "Accept": "application/json", **headers}
    content = None
    if body is not None:
        sent["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
    begun = time.monotonic()
    connection = _connect(address)
    try:
        with _ended_after(connection, whole_seconds) as ended:
            try:
                connection.request(method, path, content, sent)
                return _answer(connection, ended)
            except (OSError, http.client.HTTPException) as error:
                late = ended.is_set() or isinstance(error, TimeoutError)
                seconds = time.monotonic() - begun if late else None
                raise _cut(address, error, seconds, safe=method in _SAFE) from None
            except KeyboardInterrupt:
                if method in _SAFE:
                    raise
                raise Failed(f"Stopped. {_DOUBT}", code=Exit.INTERRUPTED) from None
    finally:
        connection.close()


def _connect(address: Address) -> http.client.HTTPConnection:
    connection = _connection(address)
    try:
        connection.connect()
    except (OSError, UnicodeError) as error:
        connection.close()
        raise _unreached(address, error) from None
    connection.sock.settimeout(SILENCE_SECONDS)
    return connection


def _connection(address: Address) -> http.client.HTTPConnection:
    if not address.secure:
        return http.client.HTTPConnection(address.host, address.port, timeout=CONNECT_SECONDS)
    context = trusting()
    context.set_alpn_protocols(["http/1.1"])
    return http.client.HTTPSConnection(address.host, address.port, timeout=CONNECT_SECONDS, context=context)


def _answer(connection: http.client.HTTPConnection, ended: threading.Event) -> Answer:
    reply = connection.getresponse()
    body = reply.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise http.client.HTTPException
    if ended.is_set():  # the end of what names no length looks like its whole
        raise TimeoutError
    if reply.length:  # a read of a given size does not tell that the end is missing
        raise http.client.IncompleteRead(body, reply.length)
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, body)


@contextlib.contextmanager
def _ended_after(connection: http.client.HTTPConnection, seconds: float) -> Iterator[threading.Event]:
    """End the connection when the time is over, even of an answer that comes byte by byte; the event says so."""
    ended = threading.Event()
    raw: socket.socket = connection.sock

    def end() -> None:
        ended.set()
        with contextlib.suppress(OSError):
            # The socket's own, below TLS: that one's would wait for the other side.
            socket.socket.shutdown(raw, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


def _unreached(address: Address, error: OSError | UnicodeError) -> Away:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Away(
            f"The certificate of {address.host} is not trusted: {error.verify_message}.",
            "If an authority of your own signed it, name its file in SSL_CERT_FILE.",
        )
    if isinstance(error, ssl.SSLError):
        return Away(f"There is no TLS at {address.url}.", "Is the server's address right? See --url and DEVMESH_URL.")
    if isinstance(error, socket.gaierror | UnicodeError):
        return Away(f"There is no host '{address.host}'.", "Is the server's address right? See --url and DEVMESH_URL.")
    if isinstance(error, TimeoutError):
        return Away(f"{address.url} does not answer.", "Can this machine reach it? See --url and DEVMESH_URL.")
    return Away(
        f"Nothing answers at {address.url}.",
        "Is the server running ('devmesh serve' starts one), and is that its address (--url, DEVMESH_URL)?",
    )


def _cut(address: Address, error: Exception, seconds: float | None, *, safe: bool) -> Away:
    again = "Try again." if safe else _DOUBT
    if seconds is not None:
        return Away(f"{address.url} did not answer whole within {seconds:.0f} s.", again)
    if isinstance(error, http.client.IncompleteRead):
        return Away(f"The answer of {address.url} was cut short.", again)
    if isinstance(error, ConnectionError | ssl.SSLError):
        return Away(f"{address.url} ended the connection without an answer.", again)
    return Away(f"{address.url} does not speak HTTP as a server of Developer Mesh does.", "Is the address right?")
