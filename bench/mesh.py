"""The gateway under test, started and filled: one organization, one key, one stored GitHub token."""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from issue import ISSUE
from processes import Started, free_port, running

TOKEN = "ghp_benchmarks_token_0000000000000000"  # noqa: S105 - made up
LOGIN = {"email": "ada@acme.example", "password": "SecurePass123!"}
_MOST = 2**31 - 1
_DEVMESH = "import sys; from devmesh.cli import main; sys.exit(main())"
PLANS = {
    "rate_limits": {name: {"requests_per_minute": _MOST, "burst": _MOST} for name in ("default", "authenticated")},
    "keys": {kind: {"rate_limit": _MOST, "rate_window": 60} for kind in ("admin", "user")},
}
_GET = ("github.get_issue", {"owner": "acme", "repo": "payments", "issue_number": 1347})
_CREATE = (
    "github.create_issue",
    {"owner": "acme", "repo": "payments", "title": ISSUE["title"], "body": ISSUE["body"], "labels": ["bug", "pool"]},
)
CALLS: Mapping[str, tuple[str, dict[str, Any]]] = {"get_issue": _GET, "create_issue": _CREATE}


@dataclass(frozen=True, slots=True)
class Mesh:
    """A running gateway and the key to call it with."""

    started: Started
    key: str

    def call(self, name: str) -> bytes:
        """Return the request that calls one of CALLS over MCP."""
        tool, arguments = CALLS[name]
        return self.mcp("tools/call", {"name": tool, "arguments": arguments})

    def mcp(self, method: str, params: Mapping[str, Any]) -> bytes:
        """Return the request for that JSON-RPC method."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return request("POST", "/mcp", {"Authorization": f"Bearer {self.key}"}, message)

    def get(self, path: str) -> bytes:
        """Return the request for a GET under REST."""
        return request("GET", path, {"Authorization": f"Bearer {self.key}"})


def request(method: str, path: str, headers: Mapping[str, str], body: Any = None) -> bytes:
    """Return a request as bytes, with the headers that an HTTP client of an agent sends."""
    fields = {"Host": "127.0.0.1", "User-Agent": "bench", "Accept": "application/json, text/event-stream", **headers}
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def to_upstream(name: str) -> bytes:
    """Return what the proxy is asked to forward: the request that the gateway makes of the call."""
    _, arguments = CALLS[name]
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    if name == "get_issue":
        return request("GET", "/repos/acme/payments/issues/1347", headers)
    body = {key: arguments[key] for key in ("title", "body", "labels")}
    return request("POST", "/repos/acme/payments/issues", headers, body)


@contextmanager
def mesh(upstream_port: int) -> Iterator[Mesh]:
    """Start the gateway on a fresh data directory and fill it."""
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        plans = directory / "plans.json"
        plans.write_text(json.dumps(PLANS))
        with serving(
            directory / "data", DEVMESH_PLANS_FILE=str(plans), DEVMESH_UPSTREAM_ALLOW="127.0.0.0/8"
        ) as started:
            yield Mesh(started, _fill(f"http://127.0.0.1:{started.port}/api/v1", upstream_port))


@contextmanager
def serving(data_dir: Path, workers: int = 1, **settings: str) -> Iterator[Started]:
    """Start `devmesh serve` on that data directory."""
    port = free_port()
    command = [sys.executable, "-c", _DEVMESH, "serve", "--port", str(port), "--workers", str(workers)]
    with running(command, port, "/healthz", {**settings, "DEVMESH_DATA_DIR": str(data_dir)}) as started:
        yield started


def _fill(api: str, upstream_port: int) -> str:
    """Register an organization and store a token; return a user's key."""
    organization = {
        "organization_name": "Acme",
        "organization_slug": "acme",
        "admin_email": LOGIN["email"],
        "admin_name": "Ada Admin",
        "admin_password": LOGIN["password"],
    }
    admin = post(f"{api}/auth/register/organization", organization)["api_key"]
    key: str = post(f"{api}/api-keys", {"name": "bench", "key_type": "user"}, admin)["api_key"]
    credential = {
        "service_type": "github",
        "credentials": {"token": TOKEN},
        "metadata": {"base_url": f"http://127.0.0.1:{upstream_port}"},
    }
    post(f"{api}/credentials", credential, key)
    return key


def post(url: str, body: Any, key: str | None = None) -> Any:
    """Return what the gateway answers to that JSON."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    asked = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return json.load(answer)
