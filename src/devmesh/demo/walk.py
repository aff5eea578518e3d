"""The walk-through: from registration to a tool call and back, every step over HTTP and every step checked."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from devmesh.demo.github import GitHub, Received
from devmesh.demo.served import Served

LOGIN = "ada-on-github"
TOKEN = "ghp_TheTokenThatAdaMadeOnGitHubForThisDemo0"  # noqa: S105 - of a made-up person at a made-up GitHub
ISSUE = {"owner": "acme", "repo": "website", "title": "The search box forgets the query", "body": "Reload: it is gone."}
_REGISTRATION = {
    "organization_name": "Acme",
    "organization_slug": "acme",
    "admin_email": "ada@acme.example",
    "admin_name": "Ada",
    "admin_password": "correct horse battery",
}
_LINK = re.compile(r"#token=(\S+)")
_TIMEOUT_SECONDS = 5.0
_LOOK_SECONDS = 0.01

Step = tuple[str, Callable[[], str]]


class Unexpected(Exception):
    """A step did not go as it must; the text says what was expected and what came."""


class Walk:
    """Its `steps` are to be taken in order; each raises Unexpected or returns what to say of it."""

    def __init__(self, served: Served, github: GitHub) -> None:
        self.steps: tuple[Step, ...] = (
            ("register an organization", self.register),
            ("find the mail in the outbox", self.verify),
            ("ask who the admin key speaks for", self.profile),
            ("make a key for the agent", self.make_key),
            ("store a GitHub token", self.store_token),
            ("list what is stored", self.list_stored),
            ("have GitHub validate the token", self.validate),
            ("call github.create_issue over MCP", self.create_issue),
            ("see that the use was counted", self.see_uses),
            ("read the call's audit record", self.read_record),
            ("revoke the agent's key", self.revoke_key),
            ("delete the token", self.delete_token),
        )
        self.issue: Mapping[str, Any] = {}
        self.record: Mapping[str, Any] = {}
        self.sent: Received | None = None
        self.began = time.monotonic()
        self._served = served
        self._github = github
        self._admin_key = ""
        self._agent_key = ""
        self._key_id = ""
        self._result: Mapping[str, Any] = {}

    def start(self) -> str:
        """Start the server."""
        began = time.monotonic()
        self._served.start()
        return f"port {self._served.port}, after {time.monotonic() - began:.1f} s"

    def stop(self) -> str:
        """Stop it in order."""
        _same("its exit code", self._served.stop(), 0)
        return "in order, exit code 0"

    def register(self) -> str:
        """Register; from here on there is an admin key."""
        reply = self._ask("POST", "/api/v1/auth/register/organization", _REGISTRATION, status=201)
        self._admin_key = reply["api_key"]
        _same("the first key's type", self._admin_key[:4], "adm_")
        return f"'{reply['organization']['slug']}', with the key {self._admin_key[:8]}..."

    def verify(self) -> str:
        """Open the one mail and use its link's token."""
        mails = self._mails()
        _same("the number of mails in the outbox", len(mails), 1)
        token = _LINK.search(mails[0].read_text(encoding="utf-8"))
        if token is None:
            raise Unexpected("the mail holds no link with a token")
        self._ask("POST", "/api/v1/auth/email/verify", {"token": token[1]})
        return "its link verified the address"

    def _mails(self) -> list[Path]:
        """Return what is in the outbox once there is anything: mail leaves a moment after the reply."""
        until = time.monotonic() + _TIMEOUT_SECONDS
        while not (found := sorted((self._served.data_dir / "outbox").glob("*.eml"))) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        return found

    def profile(self) -> str:
        """Ask for the profile."""
        reply = self._ask("GET", "/api/v1/auth/profile", key=self._admin_key)
        _same("the profile's e-mail", reply["email"], _REGISTRATION["admin_email"])
        return f"{reply['name']} <{reply['email']}>, {reply['role']}"

    def make_key(self) -> str:
        """Make the agent's key, which acts as Ada and cannot change what is stored."""
        body = {"name": "Ada's agent", "key_type": "agent", "scopes": ["read", "write"]}
        reply = self._ask("POST", "/api/v1/api-keys", body, key=self._admin_key, status=201)
        self._agent_key, self._key_id = reply["api_key"], reply["id"]
        _same("the key's type", self._agent_key[:4], "agt_")
        return f"{reply['info']['key_prefix']}... may {' and '.join(reply['info']['scopes'])}"

    def store_token(self) -> str:
        """Store the token, sealed; the agent's key may not."""
        body = {
            "service_type": "github",
            "credentials": {"token": TOKEN},
            "metadata": {"description": "Ada's token", "base_url": self._github.url},
        }
        self._ask("POST", "/api/v1/credentials", body, key=self._agent_key, status=403)
        reply = self._ask("POST", "/api/v1/credentials", body, key=self._admin_key, status=201)
        _absent(TOKEN, reply, "the reply")
        return "sealed; the reply does not show it"

    def list_stored(self) -> str:
        """List the credentials."""
        reply = self._ask("GET", "/api/v1/credentials", key=self._agent_key)
        _same("the stored services", [entry["service_type"] for entry in reply["credentials"]], ["github"])
        _absent(TOKEN, reply, "the list")
        return "github, used 0 times"

    def validate(self) -> str:
        """Have the token tried."""
        reply = self._ask("POST", "/api/v1/credentials/github/validate", key=self._agent_key)
        _same("the verdict", (reply["valid"], reply["account"]), (True, LOGIN))
        return f"valid, it belongs to {reply['account']}"

    def create_issue(self) -> str:
        """Call the tool, then look at what arrived upstream."""
        params = {"name": "github.create_issue", "arguments": ISSUE}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        reply = self._ask("POST", "/mcp", message, key=self._agent_key)
        self._result = reply.get("result") or {}
        if "structuredContent" not in self._result or self._result.get("isError"):
            raise Unexpected(f"the tool call was answered {msgspec.json.encode(reply).decode()}")
        self.issue = self._result["structuredContent"]
        _same("the issue's author", self.issue["user"]["login"], LOGIN)
        self.sent = self._github.received[-1]
        _same("the request", (self.sent.method, self.sent.path), ("POST", "/repos/acme/website/issues"))
        _same("its Authorization", self.sent.headers.get("authorization") == f"Bearer {TOKEN}", expected=True)
        for received in self._github.received:
            for key in (self._agent_key, self._admin_key):
                _absent(key, [received.path, received.query, received.headers, received.body], "a request upstream")
        return f"issue #{self.issue['number']} by {self.issue['user']['login']}"

    def see_uses(self) -> str:
        """See that key and credential count their uses."""
        keys = self._ask("GET", "/api/v1/api-keys", key=self._admin_key)["api_keys"]
        stored = self._ask("GET", "/api/v1/credentials/github", key=self._agent_key)
        key: Mapping[str, Any] = next((entry for entry in keys if entry["id"] == self._key_id), {})
        # The tool call, and whatever else the key was used for; the token only for the call: validating is no use.
        if not key.get("usage_count") or not key.get("last_used_at"):
            raise Unexpected("the key's usage_count and last_used_at did not move")
        _same("the token's usage_count", stored["usage_count"], 1)
        if stored["last_used_at"] is None:
            raise Unexpected("the token's last_used_at did not move")
        return f"key {key['usage_count']} times, token once, at {stored['last_used_at'][11:19]}"

    def read_record(self) -> str:
        """Find the call's record by the receipt that came with the result."""
        receipt = self._result["_meta"]["receipt"]
        reply = self._ask("GET", "/api/v1/audit?action=tool.call", key=self._admin_key)
        self.record = next((entry for entry in reply["entries"] if entry["id"] == receipt["id"]), {})
        _same("the record's outcome", self.record.get("outcome"), "ok")
        _same("the record's receipt", self.record["receipt"], receipt)
        for secret in (TOKEN, self._agent_key, self._admin_key):
            _absent(secret, reply, "the audit")
        return "its receipt is the call's"

    def revoke_key(self) -> str:
        """Revoke the agent's key and see it refused."""
        self._ask("DELETE", f"/api/v1/api-keys/{self._key_id}", key=self._admin_key)
        self._ask("GET", "/api/v1/auth/profile", key=self._agent_key, status=401)
        return "the next request with it got 401"

    def delete_token(self) -> str:
        """Delete the token and see it gone."""
        self._ask("DELETE", "/api/v1/credentials/github", key=self._admin_key, status=204)
        self._ask("GET", "/api/v1/credentials/github", key=self._admin_key, status=404)
        return "nothing is stored any more"

    def _ask(self, method: str, path: str, body: Any = None, *, key: str = "", status: int = 200) -> Any:
        """Send one request over a connection of its own; return the decoded reply, which must have that status."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, content, headers)
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unexpected(f"{method} {path} was not answered ({type(error).__name__})") from error
        finally:
            connection.close()
        if reply.status != status:
            raise Unexpected(f"{method} {path} was answered {reply.status}, not {status}: {text.decode()}")
        return msgspec.json.decode(text) if text else None


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Unexpected(f"{what}: expected {expected!r}, found {found!r}")


def _absent(secret: str, value: object, where: str) -> None:
    if secret in repr(value) or secret in msgspec.json.encode(value).decode():
        raise Unexpected(f"{where} holds a secret: {secret[:8]}...")
