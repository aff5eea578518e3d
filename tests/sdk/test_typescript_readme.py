from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import aiohttp
import pytest

from sdk.node import SDK, make
from sdk.world import World

FOUND = sorted(Path(__file__).parents[3].glob("*/spec/authentication-patterns.md"))
# Below the package, so that its name means what was built; without the DOM's types, as on a server.
EXAMPLES = SDK / "test" / "examples"
CONSUMER = {
    "compilerOptions": {"strict": True, "module": "NodeNext", "lib": ["ES2022"], "types": ["node"], "noEmit": True},
    "include": ["checked.*"],
}
IN_COMMON_JS = (
    "import { MCPClient } from '@developer-mesh/sdk';\nexport const made: MCPClient | undefined = undefined;\n"
)

pytestmark = pytest.mark.usefixtures("typescript_sdk")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (SDK / "README.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def examples() -> Path:
    """A folder for programs that use the SDK."""
    EXAMPLES.mkdir(exist_ok=True)
    return EXAMPLES


@pytest.fixture
async def registered(sdk_world: World) -> dict[str, str]:
    """Somebody with a key and a password."""
    slug = f"acme-{secrets.token_hex(6)}"
    who = {"admin_email": f"ada@{slug}.example", "admin_name": "Ada", "admin_password": "SecurePass123!"}
    body = {"organization_name": "Acme", "organization_slug": slug, **who}
    url = f"{sdk_world.values['base_url']}/api/v1/auth/register/organization"
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as reply:
        assert reply.status == 201
        return {"key": (await reply.json())["api_key"], "email": who["admin_email"], "slug": slug}


async def test_the_examples_run(examples, sdk_world, registered):
    values = sdk_world.values
    program = "".join([*blocks("ts"), "console.log((await jwtClient.auth.validate()).token_type);\n"])
    for shown, real in {
        "https://api.mcp.example.com": values["base_url"],
        "https://api.github.com": values["github_url"],
        "user@example.com": registered["email"],
        "secure-password": "SecurePass123!",
    }.items():
        assert shown in program
        program = program.replace(shown, real)
    (examples / "readme.mts").write_text(program)
    said = make(
        "node",
        examples / "readme.mts",
        MCP_API_KEY=registered["key"],
        MCP_TENANT_ID=registered["slug"],
        GITHUB_TOKEN=values["github_token"],
    )
    assert "Ada is owner\n" in said
    assert f"accepted: true, by GitHub known as {values['github_login']}\n" in said
    assert "github.create_issue {" in said
    assert "GitHub refused: github.get_issue failed" in said
    assert said.endswith("jwt\n")


def test_the_examples_hold_for_the_type_checker_in_both_kinds_of_module(examples):
    (examples / "checked.mts").write_text("".join(blocks("ts")))
    (examples / "checked.cts").write_text(IN_COMMON_JS)
    (examples / "tsconfig.json").write_text(json.dumps(CONSUMER))
    make("node", "node_modules/typescript/bin/tsc", "-p", examples)


def test_it_can_be_required(examples):
    (examples / "readme.cjs").write_text("".join([*blocks("js"), "console.log(typeof MCPClient);\n"]))
    assert make("node", examples / "readme.cjs") == "function\n"


@pytest.mark.skipif(not FOUND, reason="guide 1 does not lie beside the checkout")
def test_the_first_example_is_that_of_guide_1():
    assert blocks("ts")[0] in FOUND[0].read_text()
