"""The pages on the Python SDK, pasted into one interpreter from top to bottom, and read by the type checker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import blocks
from reader import PRINTED_URL, ROOT

from devmesh_sdk import ApiKey, Client

# Each with how many blocks it prints at least.
PAGES = [(ROOT / "docs" / "guide" / "python.md", 7), (ROOT / "sdk" / "python" / "README.md", 2)]
NAMES = [f"{path.parent.name}/{path.name}" for path, _ in PAGES]
END = "--- the block ends"
TOKEN = '{"token": "ghp_YourGitHubToken"}'
# Who the start of the repository's README registers, before it stores the token and makes the agent's key.
REGISTERED = {
    "organization_name": "My Team",
    "organization_slug": "my-team",
    "admin_email": "me@example.com",
    "admin_name": "Me",
    "admin_password": "a sentence that only I say",
}


def printed(page: Path) -> list[tuple[str, str]]:
    """Each block of the page with what it says that it prints."""
    found = [block for block in blocks(page.read_text()) if block.language in ("python", "text")]
    pairs = list(zip(found[::2], found[1::2], strict=True))
    assert [(code.language, output.language) for code, output in pairs] == [("python", "text")] * len(pairs)
    return [(code.text, output.text) for code, output in pairs]


@pytest.mark.parametrize(("page", "least"), PAGES, ids=NAMES)
def test_a_page_can_be_pasted_from_top_to_bottom(page: Path, least: int, served, github):
    assert len(printed(page)) >= least
    script = "\n".join(f"{code}\nprint({END!r})" for code, _ in printed(page))
    here = script.replace(PRINTED_URL, served.url)
    here = here.replace(TOKEN, f"{TOKEN}, metadata={{'base_url': {github.url!r}}}")
    environ = {**os.environ, "DEVMESH_API_KEY": agents_key(served.url, github.url)}
    command = [sys.executable, "-c", here]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split(f"{END}\n") == [*(output for _, output in printed(page)), ""]


def agents_key(url: str, github: str) -> str:
    """The key that the README's start leaves in the environment."""
    with Client(url) as nobody:
        owner = nobody.organization.register(**REGISTERED)["api_key"]
    with Client(url, ApiKey(owner)) as mesh:
        mesh.credentials.connect("github", {"token": "ghp_YourGitHubToken"}, metadata={"base_url": github})
        return mesh.keys.create(name="My agent", key_type="agent")["api_key"]


@pytest.mark.parametrize("page", [page for page, _ in PAGES], ids=NAMES)
def test_a_pages_code_is_typed(page: Path, tmp_path: Path):
    script = tmp_path / "pasted.py"
    script.write_text("\n".join(code for code, _ in printed(page)))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
