"""The published guide that this program was made to serve: each of its requests, as printed, in its order.

It is no part of this repository: a copy lies beside the checkout where there is one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from pages import blocks
from reader import PRINTED_URL, ROOT, Pasted, Reader, differences

FOUND = sorted(ROOT.parent.glob("*/spec/user-authentication-guide.md"))
pytestmark = pytest.mark.skipif(not FOUND, reason="there is no copy of the guide beside this checkout")

# What is answered otherwise than printed today, each with the reason. A later change that serves it removes the line.
PRINTED_KEY = "adm_R6C5UUYphnIWjhr6hMdbn2J-hgwCdIvXq1cox12UdjY"
PRINTED_KEY_ID = "880e8400-e29b-41d4-a716-446655440003"
STORE = '"service_type": "github"'
DELETE = "-X DELETE http://localhost:8081/api/v1/credentials/github"
MAKE_KEY = f"""\
curl -X POST {PRINTED_URL}/api/v1/api-keys -H "Authorization: Bearer YOUR_API_KEY" \\
  -H "Content-Type: application/json" -d '{{"name": "lost"}}'
"""
# So that each request says its status after its reply.
WITH_STATUS = """curl() { command curl -s -w '\\n%{http_code}\\n' "$@"; }\n"""

Replies = list[tuple[int, Any]]


class Follower:
    """Somebody who follows the guide, and puts own keys and ids where it prints others'."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.own: dict[str, str] = {}
        self.requests = 0

    def paste(self, text: str) -> Replies:
        """Paste a block; return status and body of each of its requests."""
        for printed, real in self.own.items():
            text = text.replace(printed, real)
        self.requests += len(re.findall(r"^ *curl ", text, re.MULTILINE))
        [pasted] = self._reader.paste([WITH_STATUS + text])
        return list(replies_of(pasted))

    def call(self, message: str) -> Any:
        """Send the printed JSON-RPC message to the MCP endpoint, with a key and a content type alone."""
        text = (
            f"""curl {PRINTED_URL}/mcp -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" """
        )
        [(status, reply)] = self.paste(f"{text} -d '{message}'")
        self.requests -= 1
        assert status == 200
        return reply

    def log(self, text: str) -> str:
        """Paste a block that looks into the server's log."""
        [pasted] = self._reader.paste([text])
        return pasted.output

    def lost_key(self) -> str:
        [(_, made)] = self.paste(MAKE_KEY)
        self.requests -= 1
        return made["id"]


def replies_of(pasted: Pasted) -> Iterator[tuple[int, Any]]:
    for body, status in re.findall(r"(.*?)\n(\d{3})\n", pasted.output, re.DOTALL):
        yield int(status), json.loads(body) if body.strip() else None


def test_the_published_guide_works_as_printed(served, github, tmp_path):
    text = FOUND[0].read_text().partition("\n## Next Steps")[0]
    printed = blocks(text)
    follower = Follower(Reader(served, github, tmp_path, shim=shutil.which("curl") is None))
    message = next(block.text for block in printed if '"jsonrpc"' in block.text)
    store = next(block.text for block in printed if STORE in block.text and "curl" in block.text)
    last: Replies = []
    for block in printed:
        where = f"line {block.line}: {block.text}"
        if "docker-compose" in block.text:
            assert "credentials loaded service=github" in follower.log(block.text), where
        elif block.language == "bash":
            last = follower.paste(block.text)
            assert [reply for reply in last if not 200 <= reply[0] < 300] == [], where
            prepare_next(block.text, follower, last, message, store)
        elif block.language == "json" and block.text != message:
            assert differences(json.loads(block.text), last[0][1], values=False) == [], where
    assert follower.requests == len(re.findall(r"^ *curl ", text, re.MULTILINE)) >= 15


def prepare_next(text: str, follower: Follower, last: Replies, message: str, store: str) -> None:
    """Bring about what the guide takes for given before its next block."""
    if "register/organization" in text:
        key = last[0][1]["api_key"]
        follower.own = dict.fromkeys((PRINTED_KEY, "YOUR_API_KEY", "ANOTHER_VALID_KEY", "NEW_KEY"), key)
        follower.own["LOST_KEY_ID"] = follower.lost_key()
    elif "CI/CD Pipeline Key" in text:
        follower.own[PRINTED_KEY_ID] = last[0][1]["id"]
    elif STORE in text:
        # The list that it prints next shows a token that was used.
        called = follower.call(message)
        assert called["result"].get("isError") is not True
        assert called["result"]["structuredContent"]["user"]["login"] == "your-github-username"
    elif DELETE in text:
        assert last == [(204, None)]
        # Its later sections speak to somebody whose token is stored.
        follower.paste(store)
        follower.requests -= 1
