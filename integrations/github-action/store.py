# ruff: noqa: INP001 - a program that stands alone: Python 3.9 and its library are all it needs
"""Stores a file as a context of Developer Mesh, as a step of a GitHub workflow.

Reads its inputs from MESH_URL, MESH_API_KEY, MESH_TENANT_ID, MESH_FILE and MESH_MAX_WAIT, writes `context-id` and
`version` to GITHUB_OUTPUT, and ends with 1 and one `::error` line where that cannot be done.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from email.message import Message
from pathlib import Path
from typing import IO, Any, NoReturn, cast
from urllib.parse import urlsplit

TIMEOUT = 30
LARGEST = 1024 * 1024
# A reply holds the document again, with a little beside it.
LARGEST_REPLY = 4 * LARGEST
LOOPBACK = ("localhost", "127.0.0.1", "::1")
IN_PROGRESS = 409
# The request carries an Idempotency-Key: sent again, it is done once.
AGAIN = (429, 502, 503, 504)
LONGEST_PAUSE = 30.0
TRIES = 5


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key goes to the address that was given, and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Leave the redirect as the answer."""


OPENER = urllib.request.build_opener(_Stay)


def main() -> None:
    """Store the file's document and say under which id, or end with 1."""
    key = os.environ["MESH_API_KEY"].strip()
    if key:
        print(f"::add-mask::{escaped(key)}", flush=True)
    request = prepared(key)
    stored = sent(request, patience())
    context, version = str(stored.get("id")), stored.get("version")
    if not re.fullmatch(r"[0-9a-f-]{36}", context) or type(version) is not int:
        fail("Not Developer Mesh", "The server answered as Developer Mesh does not. Look at the input url.")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"context-id={context}\nversion={version}\n")
    print(f"Stored as context {context}, version {version}.")


def prepared(key: str) -> urllib.request.Request:
    """Return the request that stores the file, or end where an input cannot be used."""
    url = address(os.environ["MESH_URL"].strip().rstrip("/"))
    headers = {"X-API-Key": key, "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if not re.fullmatch(r"[!-~]+", key):
        fail("Input api-key", "It is empty or no API key. Is the secret set, and does this workflow see it?")
    tenant = os.environ["MESH_TENANT_ID"].strip()
    if tenant:
        if not re.fullmatch(r"[!-~]+", tenant):
            fail("Input tenant-id", "It is no tenant's id or slug.")
        headers["X-Tenant-ID"] = tenant
    body = document(os.environ["MESH_FILE"])
    return urllib.request.Request(f"{url}/api/v1/contexts", body, headers, method="POST")  # noqa: S310 - checked above


def address(url: str) -> str:
    """Return the address, or end if no key may be sent to it."""
    try:
        parts = urlsplit(url)
        usable = re.fullmatch(r"https?://[!-~]+", url) and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable or parts.query or parts.fragment or parts.username is not None:
        fail("Input url", "Write the server's address, such as https://mesh.example.com.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        fail("Input url", "The key is not sent unencrypted: write https://.")
    return url


def document(name: str) -> bytes:
    """Return the file's bytes, a JSON object, or end."""
    try:
        body = Path(name).read_bytes()
        if len(body) > LARGEST:
            fail("Input file", f"{name} is larger than {LARGEST} bytes.")
        found = json.loads(body)
    except OSError as error:
        fail("Input file", f"{name} cannot be read: {error.strerror}.")
    except (ValueError, RecursionError) as error:
        fail("Input file", f"{name} is no JSON: {error}.")
    if not isinstance(found, dict):
        fail("Input file", f"{name} holds no JSON object.")
    return body


def patience() -> float:
    """Return the seconds that may be spent on waiting, or end."""
    given = os.environ["MESH_MAX_WAIT"].strip()
    if not re.fullmatch(r"[0-9]{1,4}", given):
        fail("Input max-wait", "Write a number of seconds, at most 9999.")
    return float(given)


def sent(request: urllib.request.Request, left: float) -> dict[str, Any]:
    """Return the server's reply, decoded; wait where it asks for that, in all at most `left` seconds, or end."""
    for number in range(TRIES):
        status, headers, reply = answered(request)
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
            return reply
        if status and not (status in AGAIN or (status == IN_PROGRESS and "Retry-After" in headers)):
            refused(status, reply)
        pause = asked(headers, number)
        if number + 1 == TRIES or pause > left:
            refused(status, reply)
        print(escaped(f"{told(status, reply)} Trying again in {pause:.0f} s."), flush=True)
        left -= pause
        time.sleep(pause)
    raise AssertionError


def answered(request: urllib.request.Request) -> tuple[int, Message, dict[str, Any]]:
    """Return status, headers and decoded body; status 0 where no answer came, and why as `detail`."""
    try:
        try:
            with OPENER.open(request, timeout=TIMEOUT) as reply:
                body = reply.read(LARGEST_REPLY)
                if len(body) < int(reply.headers.get("Content-Length", 0)):
                    raise http.client.IncompleteRead(body)
                return reply.status, reply.headers, decoded(body)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, decoded(error.read(LARGEST_REPLY))
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return 0, Message(), {"detail": f"No whole answer came: {reason or type(error).__name__}."}


def decoded(body: bytes) -> dict[str, Any]:
    """Return the JSON object in the body, an empty one where there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def asked(headers: Message, number: int) -> float:
    """Return how long the server asks to wait; without a word of it, twice as long each time."""
    after = headers.get("Retry-After", "")
    return float(after) if re.fullmatch(r"[0-9]{1,6}", after) else min(2.0**number, LONGEST_PAUSE)


def refused(status: int, reply: dict[str, Any]) -> NoReturn:
    """End with what the server said, and its next step."""
    text = [told(status, reply), str(reply.get("hint") or "")]
    if reply.get("request_id"):
        text.append(f"Request {reply['request_id']}.")
    fail(f"{status or 'No answer'} {reply.get('error') or ''}".strip(), " ".join(filter(None, text)))


def told(status: int, reply: dict[str, Any]) -> str:
    """Return in a sentence what came."""
    return str(reply.get("detail") or f"The server answered {status}, and not as Developer Mesh does.")


def fail(title: str, text: str) -> NoReturn:
    """End the step with one error that the workflow's page shows."""
    title = escaped(title).replace(":", "%3A").replace(",", "%2C")
    print(f"::error title=Developer Mesh - {title}::{escaped(text)}", flush=True)
    sys.exit(1)


def escaped(text: str) -> str:
    """Return the text as a workflow command's data: one line, that begins no command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    main()
