"""The other published guide's contexts: its CI step and its look at the limits, as printed.

It is no part of this repository: a copy lies beside the checkout where there is one.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest
import yaml
from pages import blocks
from reader import PRINTED_URL, ROOT, Reader

FOUND = sorted(ROOT.parent.glob("*/spec/authentication-patterns.md"))
pytestmark = pytest.mark.skipif(not FOUND, reason="there is no copy of the guide beside this checkout")

PRINTED_CI_URL = "https://api.mcp.example.com"
DEPLOYMENT: dict[str, Any] = {
    "name": "deploy 7",
    "environment": "production",
    "version": "1.2.3",
    "id": 20261122,
    "services": [{"name": "api", "replicas": 3, "share": 0.10}],
}
REGISTER = f"""\
curl -s -X POST {PRINTED_URL}/api/v1/auth/register/organization -H "Content-Type: application/json" -d '{{
  "organization_name": "Ci", "organization_slug": "the-ci", "admin_email": "ci@ci.example", "admin_name": "Ci",
  "admin_password": "a sentence that only ci says"}}'
"""


@pytest.mark.parametrize("shim", [True, False] if shutil.which("curl") else [True])
def test_the_guides_ci_step_and_its_look_at_the_limits_work_as_printed(served, github, tmp_path, shim):
    printed = blocks(FOUND[0].read_text())
    [workflow] = [yaml.safe_load(block.text) for block in printed if "deployment-context.json" in block.text]
    [step] = [step for step in workflow["jobs"]["deploy"]["steps"] if "MCP_API_KEY" in step.get("env", {})]
    [debug] = [block.text for block in printed if "curl -I" in block.text]
    looks = debug[debug.index("curl -I") :]
    assert set(step["env"]) == {"MCP_API_KEY", "MCP_TENANT_ID"}
    assert looks.startswith(f"curl -I {PRINTED_URL}/api/v1/contexts")
    (tmp_path / "deployment-context.json").write_text(json.dumps(DEPLOYMENT, indent=2))

    reader = Reader(served, github, tmp_path, shim=shim)
    [registered] = next(iter(reader.paste([REGISTER]))).values()
    key, tenant = registered["api_key"], registered["organization"]["id"]
    secrets = f"export MCP_API_KEY={key} API_KEY={key} MCP_TENANT_ID={tenant}\n"
    run = step["run"].replace(PRINTED_CI_URL, PRINTED_URL)
    # The organization's id is also its first tenant's; the slug names it as well.
    by_slug = f"export MCP_TENANT_ID=the-ci\n{run}"
    pasted, again, looked = reader.paste([secrets + run, by_slug, looks])

    for [stored] in (list(pasted.values()), list(again.values())):
        assert (stored["tenant_id"], stored["name"], stored["version"]) == (tenant, "deploy 7", 1)
        assert stored["content"] == {name: value for name, value in DEPLOYMENT.items() if name != "name"}
    assert looked.output.startswith("HTTP/1.1 200")
    limits = dict(re.findall(r"(?mi)^(X-RateLimit-\w+): (\d+)\s*$", looked.output))
    assert {name.lower() for name in limits} == {f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset")}
