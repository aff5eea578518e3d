"""Where a key may be used from, which services it reaches, and that a key gives no other one more than it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from sessions_people import new_person

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

PATH = "/api/v1/api-keys"
PROFILE = "/api/v1/auth/profile"
ADA = "ghp_adas_token_000000"
ELSEWHERE = ["10.0.0.0/8"]


async def test_bounds_are_shown_as_they_hold(organization: Organization):
    asked = {
        "allowed_ips": ["203.0.113.7", "::ffff:10.0.0.0/104", "2001:DB8::/32", "203.0.113.7/32"],
        "allowed_services": ["github", "github"],
        "tool_names": "underscore",
        "result_bytes": 5000,
    }
    status, made = await organization.ask("POST", PATH, {"name": "bound", **asked})
    assert status == 201, made
    shown = {
        "allowed_ips": ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32"],
        "allowed_services": ["github"],
        "tool_names": "underscore",
        "result_bytes": 5000,
    }
    assert {name: made["info"][name] for name in shown} == shown
    _, got = await organization.ask("GET", f"{PATH}/{made['id']}")
    assert {name: got[name] for name in shown} == shown
    assert made["api_key"] not in repr(got)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"allowed_ips": []}, "allowed_ips"),
        ({"allowed_ips": ["10.0.0.0/8"] * 10_000}, "allowed_ips"),
        ({"allowed_ips": "10.0.0.0/8"}, "allowed_ips"),
        ({"allowed_ips": ["10.0.0.0/8", "10.0.0.1/8"]}, "allowed_ips[1]"),
        ({"allowed_ips": ["10.0.0.0/33"]}, "allowed_ips[0]"),
        ({"allowed_ips": ["10.0.0.0/255.0.0.0"]}, "allowed_ips[0]"),
        ({"allowed_ips": ["fe80::1%eth0"]}, "allowed_ips[0]"),
        ({"allowed_ips": ["localhost"]}, "allowed_ips[0]"),
        ({"allowed_ips": [" 10.0.0.1"]}, "allowed_ips[0]"),
        ({"allowed_ips": ["10.0.0.1\n"]}, "allowed_ips[0]"),
        ({"allowed_ips": ["1"]}, "allowed_ips[0]"),
        ({"allowed_ips": [2130706433]}, "allowed_ips[0]"),
        ({"allowed_services": []}, "allowed_services"),
        ({"allowed_services": ["github", "nowhere"]}, "allowed_services[1]"),
        ({"allowed_services": ["mesh"]}, "allowed_services[0]"),
        ({"tool_names": "dots"}, "tool_names"),
        ({"result_bytes": 999}, "result_bytes"),
        ({"result_bytes": 8388609}, "result_bytes"),
        ({"result_bytes": "5000"}, "result_bytes"),
        ({"rate_limit": -1}, "rate_limit"),
        ({"scopes": ["read"] * 10_000}, "scopes"),
        ({"expires_at": "1969-12-31T23:59:59Z"}, "expires_at"),
        ({"expires_at": -1}, "expires_at"),
        ({"expires_at": "99999-01-01T00:00:00Z"}, "expires_at"),
    ],
)
async def test_a_wrong_bound_is_named_when_a_key_is_made_and_when_it_is_changed(
    organization: Organization, fields: dict[str, Any], wrong: str
):
    _, made = await organization.ask("POST", PATH, {"name": "one"})
    for method, path, body in (("POST", PATH, {"name": "x", **fields}), ("PATCH", f"{PATH}/{made['id']}", fields)):
        status, problem = await organization.ask(method, path, body)
        assert status == 422, problem
        assert {error["field"] for error in problem["errors"]} == {wrong}


async def test_a_call_from_an_address_that_is_not_allowed_is_refused_and_recorded(organization: Organization):
    _, made = await organization.ask("POST", PATH, {"name": "elsewhere", "allowed_ips": ELSEWHERE})
    key = made["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    for path in (PROFILE, "/api/v1/health", "/api/v1/tools", PATH):
        async with organization.mesh.http.get(path, headers=headers) as reply:
            problem = await reply.json()
            assert (reply.status, problem["error"], problem["code"]) == (
                403,
                "Address Not Allowed",
                "address_not_allowed",
            )
            assert reply.headers["X-RateLimit-Limit"] == "100"
    _, page = await organization.ask("GET", f"/api/v1/audit?actor={made['id']}")
    assert {(entry["code"], entry["address"]) for entry in page["entries"]} == {("address_not_allowed", "127.0.0.1")}


async def test_over_mcp_a_tool_call_from_elsewhere_is_an_error_that_an_agent_can_act_on(organization: Organization):
    key = await organization.new_key(allowed_ips=ELSEWHERE)
    result = await organization.call("mesh.list_services", key=key)
    assert (result["isError"], result["_meta"]["code"]) == (True, "address_not_allowed")
    assert result["content"][0]["text"].startswith("Address Not Allowed\n")
    for method in ("tools/list", "initialize", "ping"):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
        status, body = await organization.ask("POST", "/mcp", message, key=key)
        assert (status, body["error"]["data"]["code"]) == (403, "address_not_allowed")
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "mesh.list_services"}}]
    assert (await organization.ask("POST", "/mcp", batch, key=key))[0] == 403


@pytest.mark.parametrize("allowed", [["127.0.0.1"], ["::ffff:127.0.0.0/104"], ["2001:db8::/32", "127.0.0.0/8"]])
async def test_a_call_from_an_allowed_address_is_answered(organization: Organization, allowed: list[str]):
    key = await organization.new_key(allowed_ips=allowed)
    assert (await organization.ask("GET", PROFILE, key=key))[0] == 200


@pytest.mark.parametrize("allowed", [["::/0"], ["127.0.0.2"], ["0.0.0.0/2"], ["::1"]])
async def test_nothing_but_the_networks_themselves_is_allowed(organization: Organization, allowed: list[str]):
    key = await organization.new_key(allowed_ips=allowed)
    # 127.0.0.1 is in 64.0.0.0/2, in no IPv6 network, and not its own neighbour.
    assert (await organization.ask("GET", PROFILE, key=key))[0] == 403


async def test_a_forwarded_header_from_a_stranger_moves_nobody(organization: Organization):
    key = await organization.new_key(allowed_ips=ELSEWHERE)
    headers = {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    assert (await organization.ask("GET", PROFILE, key=key, headers=headers))[0] == 403


async def test_a_key_reaches_its_services_alone(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    key = await organization.new_key(key_type="user", allowed_services=["github"])
    result = await organization.call("github.get_authenticated_user", key=key)
    assert result["structuredContent"]["login"] == "ada"
    _, made = await organization.ask("POST", PATH, {"name": "jira", "allowed_services": ["jira"]})
    bound = made["api_key"]
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user", key=bound)
    assert (result["isError"], result["_meta"]["code"]) == (True, "service_not_allowed")
    status, problem = await organization.ask(
        "POST", "/api/v1/tools/github.get_authenticated_user/execute", {}, key=bound
    )
    assert (status, problem["error"]) == (403, "Service Not Allowed")
    assert len(github.received) == before
    _, tools = await organization.ask("GET", "/api/v1/tools", key=bound)
    assert {tool["name"].partition(".")[0] for tool in tools["tools"]} == {"mesh"}
    assert (await organization.ask("GET", "/api/v1/tools/github.get_issue", key=bound))[0] == 404
    listed = await organization.call("mesh.list_services", key=bound)
    assert [entry["service"] for entry in listed["structuredContent"]["services"]] == ["jira"]
    assert (await organization.ask("GET", "/api/v1/credentials", key=bound))[1]["credentials"] == []
    for method, path, body in (
        ("GET", "/api/v1/credentials/github", None),
        ("DELETE", "/api/v1/credentials/github", None),
        ("POST", "/api/v1/credentials/github/validate", None),
        ("POST", "/api/v1/credentials", {"service_type": "github", "credentials": {"token": "ghp_other_2222222"}}),
    ):
        assert (await organization.ask(method, path, body, key=bound))[1]["code"] == "service_not_allowed"
    assert (await organization.ask("GET", "/api/v1/credentials/github"))[0] == 200


async def test_the_form_of_tool_names_is_the_keys_unless_the_header_says_otherwise(organization: Organization):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    under = await organization.new_key(tool_names="underscore")
    for key, headers, name in (
        (under, {}, "mesh_list_services"),
        (under, {"X-Mesh-Tool-Names": "dot"}, "mesh.list_services"),
        (organization.key, {}, "mesh.list_services"),
        (organization.key, {"X-Mesh-Tool-Names": "underscore"}, "mesh_list_services"),
    ):
        _, body = await organization.ask("POST", "/mcp", message, key=key, headers=headers)
        assert [tool["name"] for tool in body["result"]["tools"]] == [name, name.replace("list_services", "read_more")]


LATER = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)


async def test_a_minted_key_inherits_its_minters_bounds(organization: Organization):
    own = {"allowed_ips": ["127.0.0.0/8"], "allowed_services": ["github"], "expires_at": LATER.isoformat()}
    key = await organization.new_key(key_type="user", **own)
    _, made = await organization.ask("POST", PATH, {"name": "heir"}, key=key)
    assert (made["info"]["allowed_ips"], made["info"]["allowed_services"]) == (["127.0.0.0/8"], ["github"])
    assert datetime.fromisoformat(made["info"]["expires_at"]) == LATER
    narrower = {"allowed_ips": ["127.0.0.1", "127.1.0.0/16"], "allowed_services": ["github"]}
    status, made = await organization.ask("POST", PATH, {"name": "narrow", **narrower}, key=key)
    assert (status, made["info"]["allowed_ips"]) == (201, ["127.0.0.1/32", "127.1.0.0/16"])


WIDER: list[dict[str, Any]] = [
    {"allowed_ips": ["127.0.0.1", "10.0.0.1"]},
    {"allowed_ips": ["126.0.0.0/7"]},
    {"allowed_ips": ["0.0.0.0/0"]},
    {"allowed_ips": ["::/0"]},
    {"expires_at": (LATER + timedelta(seconds=1)).isoformat()},
    {"rate_limit": 11},
    {"rate_limit": 10, "rate_window": 59},
    {"scopes": ["read", "write"]},
]


async def bounded(organization: Organization) -> str:
    own = {"allowed_ips": ["127.0.0.0/8"], "expires_at": LATER.isoformat(), "rate_limit": 10}
    return await organization.new_key(key_type="user", scopes=["keys:write", "keys:read", "contexts:read"], **own)


@pytest.mark.parametrize(
    "wider", [*WIDER, {"key_type": "admin"}, {"key_type": "gateway", "allowed_ips": ["127.0.0.1"]}]
)
async def test_a_key_mints_none_that_is_wider(organization: Organization, wider: dict[str, Any]):
    key = await bounded(organization)
    status, problem = await organization.ask("POST", PATH, {"name": "wide", **wider}, key=key)
    assert (status, problem["code"]) == (403, "beyond_your_own")


@pytest.mark.parametrize("wider", [*WIDER, {"allowed_ips": None}, {"expires_at": None}])
async def test_a_key_makes_no_other_wider_nor_itself(organization: Organization, wider: dict[str, Any]):
    key = await bounded(organization)
    _, made = await organization.ask("POST", PATH, {"name": "made"}, key=key)
    _, listed = await organization.ask("GET", PATH, key=key)
    own = next(entry["id"] for entry in listed["api_keys"] if entry["key_prefix"] == key[:8])
    for key_id in (made["id"], own):
        status, problem = await organization.ask("PATCH", f"{PATH}/{key_id}", wider, key=key)
        assert (status, problem["code"]) == (403, "beyond_your_own")


async def test_a_service_beyond_ones_own_is_given_to_nobody(organization: Organization):
    _, made = await organization.ask("POST", PATH, {"name": "jira", "allowed_services": ["github"]})
    await _bind(organization, made["id"], ["jira"])
    status, problem = await organization.ask(
        "POST", PATH, {"name": "x", "allowed_services": ["github"]}, key=made["api_key"]
    )
    assert (status, problem["code"]) == (403, "beyond_your_own")
    for services in (["github"], None):
        body = {"allowed_services": services}
        status, problem = await organization.ask("PATCH", f"{PATH}/{made['id']}", body, key=made["api_key"])
        assert (status, problem["code"]) == (403, "beyond_your_own")


async def test_an_agent_key_reaches_no_key(organization: Organization):
    _, made = await organization.ask("POST", PATH, {"name": "agent", "key_type": "agent"})
    key, path = made["api_key"], f"{PATH}/{made['id']}"
    for method, where, body in (
        ("POST", PATH, {"name": "x"}),
        ("PATCH", path, {"name": "x"}),
        ("POST", f"{path}/rotate", None),
        ("DELETE", path, None),
        ("GET", path, None),
        ("GET", PATH, None),
    ):
        assert (await organization.ask(method, where, body, key=key))[0] == 403
    assert (await organization.ask("GET", PROFILE, key=key))[0] == 200


async def test_a_session_has_no_bounds_to_hand_on(organization: Organization):
    member = await new_person(organization)
    body = {"name": "mine", "allowed_ips": ["0.0.0.0/0"], "expires_at": "2999-01-01T00:00:00Z"}
    assert (await member.ask("POST", PATH, body))[0] == 201


async def test_another_tenants_key_is_neither_seen_nor_changed(mesh: Mesh, organization: Organization):
    theirs = await mesh.organization()
    _, made = await theirs.ask("POST", PATH, {"name": "theirs"})
    _, there = await organization.ask("POST", PATH, {"name": "there", "tenant_id": "blue"})
    member = await new_person(organization)
    for asker in (organization.ask, member.ask):
        for path in (f"{PATH}/{made['id']}", f"/api/v1/auth/keys/{made['id']}"):
            assert (await asker("GET", path))[0] == 404
            assert (await asker("PATCH", path, {"name": "mine"}))[0] == 404
            assert (await asker("POST", f"{path}/rotate"))[0] == 404
    weaker = await organization.new_key(key_type="user")
    for path in (f"{PATH}/{there['id']}",):
        assert (await organization.ask("GET", path, key=weaker))[0] == 404
        assert (await organization.ask("PATCH", path, {"name": "mine"}, key=weaker))[0] == 404
        assert (await organization.ask("GET", path))[0] == 200
        assert (await organization.ask("PATCH", path, {"name": "still theirs"}))[0] == 200
    assert (await theirs.ask("GET", f"{PATH}/{made['id']}"))[1]["name"] == "theirs"


async def _bind(organization: Organization, key_id: str, services: list[str]) -> None:
    of = UUID(organization.id)
    async with organization.mesh.app.database.acting(of, of) as tx:
        await tx.run("update api_keys set allowed_services = $2 where id = $1", UUID(key_id), services)
        await organization.mesh.app.changes.announce(tx, "key", key_id)


@pytest.mark.parametrize(
    ("role", "given", "refused"),
    [
        (
            Role.READONLY,
            ["read", "contexts:read", "keys:write"],
            ["write", "admin", "contexts:write", "*:*", "tools:execute"],
        ),
        (Role.MEMBER, ["read", "write", "tools:execute:github"], ["admin", "*:*", "users:write", "metrics:read"]),
        (Role.ADMIN, ["read", "write", "admin", "*:*", "users:write"], ["organization:write", "organization:*"]),
    ],
)
async def test_nobody_gives_a_key_what_their_role_lacks(
    organization: Organization, role: Role, given: list[str], refused: list[str]
):
    key = await organization.person(role)  # an admin key, which holds every scope and is cut to the role
    for scope in given:
        status, made = await organization.ask("POST", PATH, {"name": scope, "scopes": [scope]}, key=key)
        assert (status, made["info"]["scopes"]) == (201, [scope])
    for scope in refused:
        status, problem = await organization.ask("POST", PATH, {"name": scope, "scopes": [scope]}, key=key)
        assert (status, problem.get("required_scopes")) == (403, [scope]), scope


async def test_scopes_that_nobody_names_are_cut_to_the_role(organization: Organization):
    key = await organization.person(Role.READONLY)
    _, made = await organization.ask("POST", PATH, {"name": "cut"}, key=key)
    assert made["info"]["scopes"] == ["read"]
