"""What our pages print, done as they say: each page in one shell, against a fresh server."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from pages import Block, blocks, pages
from reader import PRINTED_URL, ROOT, Pasted, Reader, differences

from devmesh.connectors import CONNECTORS

GUIDE = ROOT / "docs" / "guide" / "onboarding.md"
CURL = "curl" if shutil.which("curl") else "shim"
WALKED = [path for path in pages() if any(block.use == "run" for block in blocks(path.read_text()))]
WALKS = [(path, CURL) for path in WALKED] + ([(GUIDE, "shim")] if CURL == "curl" else [])

# How pages write whom they register: in JSON, in Python, for `devmesh register`, and by security.md's own function.
SLUG = re.compile(r'(?:organization_slug"?[:=] ?"|--slug |\$\(register )([a-z][a-z0-9-]*)')
ADDRESS = re.compile(r'(?:admin_email"?[:=] ?"|--email )([a-z]+@[a-z.]+)')
# The README's start and the first page are two ways to one organization.
SHARED = {"my-team": {"README.md", "docs/start.md"}, "me@example.com": {"README.md", "docs/start.md"}}

AS_AGENT = """\
curl -s -X POST $MESH/api/v1/tools/github.get_authenticated_user/execute -H "Authorization: Bearer $DEVMESH_API_KEY" \\
  -H "Content-Type: application/json" -d '{"arguments": {"fields": ["login"]}}'
"""


@pytest.mark.parametrize(("path", "curl"), WALKS, ids=[f"{path.stem}-{curl}" for path, curl in WALKS])
def test_a_page_can_be_followed_from_top_to_bottom(path: Path, curl: str, served, github, tmp_path):
    reader = Reader(served, github, tmp_path, shim=curl == "shim")
    found = [block for block in blocks(path.read_text()) if block.use in ("run", "reply")]
    pasted = iter(reader.paste(block.text for block in found if block.use == "run"))
    faults: list[str] = []
    last, replied = Pasted("", ""), True
    for block in found:
        if block.use == "run":
            faults += [] if replied else refusals(last)
            last, replied = next(pasted), False
        else:
            replied = True
            faults += [f"line {block.line}: {text}" for text in compared(block, reader, last)]
    assert faults == []


def compared(block: Block, reader: Reader, last: Pasted) -> list[str]:
    if block.language == "json":
        printed = json.loads(reader.here(block.text))
        tried = [differences(printed, value) for value in last.values()]
        return min(tried, key=len, default=[f"no JSON came: {last}"])
    return [f"{line!r} is not in {last}" for line in block.text.splitlines() if line not in last.output]


def refusals(pasted: Pasted) -> list[str]:
    return [f"refused: {value}" for value in pasted.values() if isinstance(value, dict) and "hint" in value]


def test_the_readmes_start_can_be_pasted_again(served, github, tmp_path):
    start = next(block.text for block in blocks((ROOT / "README.md").read_text()) if block.use == "run")
    assert start.startswith("GITHUB_TOKEN=ghp_")
    keys = 'echo "$ADMIN_KEY $DEVMESH_API_KEY"'
    reader = Reader(served, github, tmp_path, shim=CURL == "shim")
    wrong = start.replace("ghp_YourGitHubToken", "ghp_mistyped")
    refused, first, mended, second, called = reader.paste([wrong, keys, start, keys, AS_AGENT])
    assert '"valid": false' in refused.output
    assert '"valid": true' in mended.output
    assert re.fullmatch(r"adm_\S{43} agt_\S{43}\n", first.output)
    assert second == first
    assert [value["result"] for value in called.values()] == [{"login": "ada"}]
    # Another shell, which is given the keys that were kept.
    admin, agent = first.output.split()
    _, there = reader.paste([f"export ADMIN_KEY={admin} DEVMESH_API_KEY={agent}", start])
    assert '"valid": true' in there.output
    # A shell that has other keys: nothing is overwritten, and nothing is claimed.
    _, again, left = reader.paste(["set +e; DEVMESH_API_KEY=kept", start, keys])
    assert (again.output, left.output) == ("", " kept\n")
    assert "'my-team' is taken" in again.errors


def test_the_first_page_can_be_pasted_again(served, github, tmp_path):
    page = (ROOT / "docs" / "start.md").read_text()
    start, call, _, own = (block.text for block in blocks(page) if block.use == "run")
    reader = Reader(served, github, tmp_path, shim=False)
    wrong = start.replace("ghp_YourGitHubToken", "ghp_mistyped")
    key = 'echo "${AGENT_KEY:-none}"'
    pasted = reader.paste(["set +e", wrong, key, start, key, own, start, key, call])
    refused, nothing, mended, first, _, again, second, called = pasted[1:]
    assert '"valid": false' in refused.output
    assert nothing.output == "none\n"
    assert '"account": "ada"' in mended.output
    assert '"account": "ada"' in again.output
    assert re.fullmatch(r"agt_\S{43}\n", first.output)
    assert second == first
    assert list(called.values()) == [{"login": "ada"}]


def test_the_first_page_says_once_that_no_server_runs(served, github, tmp_path):
    start = next(block.text for block in blocks((ROOT / "docs" / "start.md").read_text()) if block.use == "run")
    reader = Reader(served, github, tmp_path, shim=False)
    _, away, _ = reader.paste(["set +e", start.replace(PRINTED_URL, "http://127.0.0.1:1"), "true"])
    assert away.output == ""
    assert away.errors.count("http://127.0.0.1:1") == 1
    assert "'devmesh serve' starts one" in away.errors


def test_every_page_registers_an_organization_and_an_address_of_its_own():
    found: dict[str, set[str]] = {}
    for path in pages():
        for block in blocks(path.read_text()):
            if block.use in ("run", "python") and (slugs := SLUG.findall(block.text)):
                for name in [*slugs, *ADDRESS.findall(block.text)]:
                    found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    assert {name: where for name, where in found.items() if len(where) > 1} == SHARED
    assert len(set.union(*found.values())) >= 17


def test_the_first_page_goes_on_with_what_the_readme_registered(served, github, tmp_path):
    readme, first = ((ROOT / name).read_text() for name in ("README.md", "docs/start.md"))
    registered = next(block.text for block in blocks(readme) if block.use == "run")
    start, call, *_ = (block.text for block in blocks(first) if block.use == "run")
    reader = Reader(served, github, tmp_path, shim=CURL == "shim")
    people = f'curl -s {PRINTED_URL}/api/v1/users -H "Authorization: Bearer $ADMIN_KEY"'
    *_, called, seen, who = reader.paste([registered, start, call, people, "devmesh whoami"])
    assert list(called.values()) == [{"login": "ada"}]
    [found], [me] = seen.values(), who.values()
    assert [user["email"] for user in found["users"]] == [me["email"]]
    assert me["organization_slug"] == "my-team"


def test_the_guide_covers_the_whole_way():
    text = GUIDE.read_text()
    for request in (
        "register/organization",
        "auth/profile",
        "api-keys",
        "credentials/github/validate",
        "/mcp",
        "/audit",
    ):
        assert request in text
    assert sum(block.use == "run" for block in blocks(text)) >= 20


def test_a_difference_between_page_and_reply_is_seen():
    reply = {"id": "01a20112-29ae-7199-a11a-1a1b3f2dc8e9", "count": 2, "valid": True, "keys": [{"name": "b"}]}
    assert differences({"id": "550e8400-e29b-41d4-a716-446655440000", "count": 7}, reply) == []
    assert differences({"id": "an id"}, reply) == [f".id: printed 'an id', came {reply['id']!r}"]
    assert differences({"count": "2"}, reply) == [".count: printed '2', came 2"]
    assert differences({"valid": False}, reply) == [".valid: printed False, came True"]
    assert differences({"valid": False}, reply, values=False) == []
    assert differences({"keys": [{"name": "a"}]}, reply) == [".keys[].name: printed 'a', came 'b'"]
    assert differences({"keys": [{"nick": "a"}]}, reply) == [".keys[].nick is missing"]
    assert differences({"gone": None}, reply) == [".gone is missing"]


def test_the_pages_count_the_tools_right():
    told = {
        (CONNECTORS["github"].name, int("".join(count)))
        for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", GUIDE)
        for count in re.findall(r"(\d+) GitHub tools|\"tools\": (\d+)", " ".join(path.read_text().split()))
    }
    changes = " ".join((ROOT / "CHANGELOG.md").read_text().split())
    for connector in CONNECTORS.values():
        told |= {
            (connector.name, int(count))
            for count in re.findall(rf"{connector.title}(?: [a-zA-Z ]+)? \((\d+)[ ;)]", changes)
        }
    # Of the services after the first, `call_api` is named beside the count.
    assert told == {(name, len(one.tools) - (name != "github")) for name, one in CONNECTORS.items()}
