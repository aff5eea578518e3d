"""As much of curl as our pages use, for machines that have none; what it does not know ends it."""

from __future__ import annotations

import http.client
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_WITH_VALUE = {"-X", "-H", "-d", "-o", "-w"}
_FLAGS = set("sSivI")


@dataclass
class Asked:
    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    output: str = ""
    write_out: str = ""
    flags: set[str] = field(default_factory=set)


def asked(words: list[str]) -> Asked:
    found = Asked()
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            _take(found, word, next(rest))
        elif word.startswith("-") and set(word[1:]) <= _FLAGS:
            found.flags |= set(word[1:])
        elif word.startswith("-") or found.url:
            sys.exit(f"this curl does not know {word}")
        else:
            found.url = word
    return found


def _take(found: Asked, option: str, value: str) -> None:
    if option == "-X":
        found.method = value
    elif option == "-H":
        name, _, text = value.partition(":")
        found.headers.append((name, text.strip()))
    elif option == "-d":
        # As curl does: what is read from a file loses its line ends.
        found.body = _read(value[1:]).replace(b"\n", b"") if value.startswith("@") else value.encode()
    elif option == "-o":
        found.output = value
    else:
        found.write_out = value.replace("\\n", "\n")


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def main() -> None:
    want = asked(sys.argv[1:])
    parts = urlsplit(want.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    usual = "HEAD" if "I" in want.flags else "GET" if want.body is None else "POST"
    connection.putrequest(want.method or usual, path)
    headers = [("User-Agent", "curl/8"), ("Accept", "*/*"), *want.headers]
    if want.body is not None:
        headers.append(("Content-Length", str(len(want.body))))
        if not any(name.lower() == "content-type" for name, _ in want.headers):
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(want.body)
    reply = connection.getresponse()
    body = reply.read()
    if want.flags & {"i", "I"}:
        body = f"HTTP/1.1 {reply.status}\r\n{reply.headers}".encode() + body
    if "v" in want.flags:
        sys.stderr.write(f"< HTTP/1.1 {reply.status}\n")
    if want.output:
        with open(want.output, "wb") as file:  # noqa: PTH123 - curl takes any path, /dev/null too
            file.write(body)
    else:
        sys.stdout.buffer.write(body)
    sys.stdout.write(want.write_out.replace("%{http_code}", str(reply.status)))


if __name__ == "__main__":
    main()
