"""The action for GitHub's workflows: its own step, run by bash as a runner does, against a real server and bad ones."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from pages import ROOT, blocks

from ports import free_port

ACTION = ROOT / "integrations" / "github-action"
DECLARED = yaml.safe_load((ACTION / "action.yml").read_text())
DOCUMENT = {"name": "deploy", "tags": ["deploy"], "commit": "8463fd0"}
KEY = "agt_" + "k" * 43


@dataclass
class Ran:
    """How the step ended: its exit code, what it printed and the outputs that it set."""

    code: int
    text: str
    outputs: dict[str, str]

    @property
    def error(self) -> str:
        found = re.findall(r"^::error (.*)$", self.text, re.MULTILINE)
        assert len(found) == 1, self.text
        return found[0]


def run(place: Path, **inputs: str) -> Ran:
    """Run the action's steps with these inputs over the declared defaults."""
    (place / "context.json").write_text(json.dumps(DOCUMENT))
    given = {name: one.get("default", "") for name, one in DECLARED["inputs"].items()} | {"file": "context.json"}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    output = place / "output"
    output.touch()
    bin_ = place / "bin"
    bin_.mkdir(exist_ok=True)
    (bin_ / "python3").unlink(missing_ok=True)
    (bin_ / "python3").symlink_to(sys.executable)
    (step,) = DECLARED["runs"]["steps"]
    runner = {"PATH": f"{bin_}:{os.environ['PATH']}", "GITHUB_ACTION_PATH": str(ACTION), "GITHUB_OUTPUT": str(output)}
    env = {name: filled(value, given) for name, value in step["env"].items()}
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=runner | env,
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    lines = output.read_text().splitlines()
    return Ran(done.returncode, done.stdout + done.stderr, dict(line.split("=", 1) for line in lines))


def filled(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: inputs[match[1]], text)


@dataclass
class Server:
    """A server that answers with `replies` in turn, the last one again and again; `seen` are the requests' headers."""

    replies: Sequence[tuple[int, dict[str, str], bytes]]
    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(*replies: tuple[int, dict[str, str], bytes]) -> Iterator[Server]:
    found = Server(replies)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = replies[min(len(found.seen), len(replies) - 1)]
            found.seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


STORED = (201, {}, json.dumps({"id": "01a20112-29ae-7199-a11a-1a1b3f2dc8e9", "version": 1}).encode())


def problem(status: int, detail: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    said = {"error": "An Error", "detail": detail, "hint": "Do this.", "request_id": "01a2"}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(said).encode()


def asked(url: str, key: str | None, method: str, path: str, body: Any = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, data, headers, method=method), timeout=20) as reply:  # noqa: S310 - loopback
        return json.load(reply)


@pytest.fixture
def admin(served) -> str:
    """The admin key of a new organization."""
    person = {"admin_email": "ada@acme.example", "admin_name": "Ada", "admin_password": "a sentence that only Ada says"}
    body = {"organization_name": "Acme", "organization_slug": "acme", **person}
    return str(asked(served.url, None, "POST", "/api/v1/auth/register/organization", body)["api_key"])


def minted(served, admin: str, **more: Any) -> str:
    body = {"name": "ci", "key_type": "agent", "scopes": ["contexts:write"], **more}
    return str(asked(served.url, admin, "POST", "/api/v1/api-keys", body)["api_key"])


def test_a_file_is_stored_as_a_context_of_the_tenant(served, admin, tmp_path):
    ran = run(tmp_path, url=served.url, api_key=minted(served, admin), tenant_id="acme")
    assert ran.code == 0, ran.text
    found = asked(served.url, admin, "GET", f"/api/v1/contexts/{ran.outputs['context-id']}")
    assert (found["name"], found["tags"], found["content"]) == ("deploy", ["deploy"], {"commit": "8463fd0"})
    assert ran.outputs["version"] == str(found["version"]) == "1"


def test_a_real_servers_refusals_are_told_with_their_hints(served, admin, tmp_path):
    reader = minted(served, admin, scopes=["contexts:read"])
    writer = minted(served, admin)
    unknown = run(tmp_path, url=served.url, api_key="agt_mistyped")
    lacking = run(tmp_path, url=served.url, api_key=reader)
    elsewhere = run(tmp_path, url=served.url, api_key=writer, tenant_id="initech")
    assert [ran.code for ran in (unknown, lacking, elsewhere)] == [1, 1, 1]
    assert unknown.error.startswith("title=Developer Mesh - 401 Invalid API Key::")
    assert lacking.error.startswith("title=Developer Mesh - 403 Insufficient Scope::")
    assert "contexts:write" in lacking.error
    assert elsewhere.error.startswith("title=Developer Mesh - 403 Tenant Not Allowed::")
    assert all("Request 01" in ran.error for ran in (unknown, lacking, elsewhere))
    assert unknown.outputs == lacking.outputs == elsewhere.outputs == {}


def test_a_real_servers_429_is_waited_out(served, admin, tmp_path):
    for window in (2, 6, 18):  # what the step takes to begin may be longer
        slow = minted(served, admin, scopes=["contexts:write", "profile:read"], rate_limit=1, rate_window=window)
        asked(served.url, slow, "GET", "/api/v1/auth/profile")
        ran = run(tmp_path, url=served.url, api_key=slow)
        assert ran.code == 0, ran.text
        if "Trying again in" in ran.text:
            break
    assert "Trying again in" in ran.text


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_repeat_is_the_same_request_under_the_same_idempotency_key(status, tmp_path):
    with serving(problem(status, "Later.", Retry_After="1"), STORED) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert ran.code == 0, ran.text
    first, second = server.seen
    assert first == second
    assert len(first["idempotency-key"]) == 36


def test_a_wait_that_is_longer_than_allowed_ends_the_step_at_once(tmp_path):
    with serving(problem(429, "Too many.", Retry_After="31")) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY, max_wait="30")
    assert ran.error == "title=Developer Mesh - 429 An Error::Too many. Do this. Request 01a2."
    assert len(server.seen) == 1


def test_an_answer_cut_short_is_asked_for_again(tmp_path):
    with serving((201, {"Content-Length": "500"}, STORED[2][:20]), STORED) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert ran.code == 0, ran.text
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status, tmp_path):
    with (
        serving(STORED) as other,
        serving((status, {"Location": f"{other.url}/api/v1/contexts"}, b"")) as server,
    ):
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert (ran.code, len(server.seen), other.seen) == (1, 1, [])
    assert str(status) in ran.error


@pytest.mark.parametrize(
    "body", [b"<html>Welcome</html>", b"[]", b'{"id": "x\\nversion=9", "version": 1}', b'{"id": 1}']
)
def test_a_server_that_is_another_sets_no_output(body, tmp_path):
    with serving((200, {}, body)) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert (ran.code, ran.outputs) == (1, {})
    assert "url" in ran.error


@pytest.mark.parametrize("status", [400, 503])
def test_what_a_server_says_begins_no_command_of_its_own(status, tmp_path):
    with serving(
        problem(status, "No.\n::set-env name=X::1\r\n::error ::%0A", Retry_After="1"), problem(400, "Done.")
    ) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert ran.code == 1
    commands = [line for line in ran.text.splitlines() if line.startswith("::")]
    assert [command.split(" ")[0].split("::")[1] for command in commands] == ["add-mask", "error"]


def test_the_key_stands_in_the_log_once_where_it_is_masked(tmp_path):
    with serving(problem(400, "No.")) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY)
    assert ran.text.splitlines()[0] == f"::add-mask::{KEY}"
    assert ran.text.count(KEY) == 1


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"url": "http://mesh.example.com"}, "https://"),
        ({"url": "ftp://mesh.example.com"}, "address"),
        ({"url": "https://u:p@mesh.example.com"}, "address"),
        ({"url": "https://mesh.example.com:99999"}, "address"),
        ({"url": "https://mesh.example.com/\nx"}, "address"),
        ({"url": ""}, "address"),
        ({"api_key": ""}, "secret"),
        ({"api_key": "two\nlines"}, "secret"),
        ({"tenant_id": "a b"}, "tenant"),
        ({"file": "missing.json"}, "missing.json cannot be read"),
        ({"file": "bin"}, "cannot be read"),
        ({"max_wait": "-1"}, "seconds"),
    ],
)
def test_an_input_that_cannot_be_used_is_named_before_anything_is_sent(inputs, said, tmp_path):
    with serving(STORED) as server:
        ran = run(tmp_path, **{"url": server.url, "api_key": KEY} | inputs)
    assert (ran.code, server.seen) == (1, [])
    assert said in ran.error


@pytest.mark.parametrize(
    ("text", "said"), [("[1]", "no JSON object"), ("{", "no JSON"), (" " * (1024 * 1024 + 1), "larger")]
)
def test_a_document_that_is_none_is_named_before_anything_is_sent(text, said, tmp_path):
    (tmp_path / "bad.json").write_text(text)
    with serving(STORED) as server:
        ran = run(tmp_path, url=server.url, api_key=KEY, file="bad.json")
    assert (ran.code, server.seen) == (1, [])
    assert said in ran.error


def test_a_server_that_is_down_is_told_within_seconds(tmp_path):
    ran = run(tmp_path, url=f"http://127.0.0.1:{free_port()}", api_key=KEY, max_wait="1")
    assert ran.code == 1
    assert "refused" in ran.error


def test_the_action_and_its_sample_are_what_github_takes(tmp_path):
    page = (ACTION / "README.md").read_text()
    (sample,) = [block for block in blocks(page) if block.name == "deploy.yml"]
    workflow = tmp_path / "deploy.yml"
    workflow.write_text(sample.text)
    for schema, file in (("github-actions", ACTION / "action.yml"), ("github-workflows", workflow)):
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    steps = yaml.safe_load(sample.text)["jobs"]["deploy"]["steps"]
    (used,) = [step for step in steps if "store-context" in step.get("uses", "")]
    needed = {name for name, one in DECLARED["inputs"].items() if one["required"]}
    assert needed <= used["with"].keys() <= DECLARED["inputs"].keys()
    taken = set(re.findall(r"steps\.context\.outputs\.([a-z-]+)", sample.text))
    assert taken == DECLARED["outputs"].keys()
    # What the README tells of them is what is declared.
    assert set(re.findall(r"^\| `([a-z-]+)`", page, re.MULTILINE)) == {*DECLARED["inputs"], *DECLARED["outputs"]}
