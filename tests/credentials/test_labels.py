"""Several credentials of one owner for one service: which of them a call is made with, and who may have what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.access import Role
from devmesh.connectors.github import CONNECTOR
from devmesh.credentials.model import MOST_LABELS

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
PATH = "/api/v1/credentials"
WHO = "github.get_authenticated_user"


def owners(*patterns: str) -> list[dict[str, Any]]:
    return [{"arguments": {"owner": pattern}} for pattern in patterns]


async def acting(organization: Organization, owner: str, repo: str = "r", **more: Any) -> str:
    """Return whose token a new issue in `owner/repo` is made with, or the code that refuses it."""
    arguments = {"owner": owner, "repo": repo, "title": "t"}
    result = await organization.call("github.create_issue", arguments, **more)
    return result["_meta"]["code"] if result.get("isError") else result["structuredContent"]["user"]["login"]


async def explain(organization: Organization, query: str = "", *, key: str | None = None) -> tuple[int, Any]:
    return await organization.ask("GET", f"{PATH}/github/explain{query}", key=key)


async def test_the_first_label_whose_rule_matches_serves_and_then_the_one_without_rules(
    organization: Organization, github: GitHub
):
    await organization.connect(github, ADA)
    await organization.connect(github, BO, label="work", rules=owners("my-org", "acme-*"))
    logins = {"my-org": "bo", "acme-eu": "bo", "acme-": "bo", "acme": "ada", "my-org2": "ada", "else": "ada"}
    assert {owner: await acting(organization, owner) for owner in logins} == logins
    assert (await organization.call(WHO))["structuredContent"]["login"] == "ada"


async def test_labels_are_tried_in_their_order_whenever_they_were_stored(organization: Organization, github: GitHub):
    await organization.connect(github, BO, label="b", rules=owners("*"))
    await organization.connect(github, ADA, label="a", rules=owners("x"))
    assert [await acting(organization, owner) for owner in ("x", "y")] == ["ada", "bo"]


async def test_all_arguments_of_one_rule_must_match_and_one_rule_of_several(organization: Organization, github: GitHub):
    rules = [{"arguments": {"owner": "acme", "repo": "pay*"}}, {"arguments": {"owner": "solo"}}]
    await organization.connect(github, ADA)
    await organization.connect(github, BO, label="pay", rules=rules)
    seen = [await acting(organization, *pair) for pair in (("acme", "payments"), ("acme", "web"), ("solo", "web"))]
    assert seen == ["bo", "ada", "bo"]


async def test_without_a_match_what_is_passed_serves_and_then_the_organizations(
    organization: Organization, github: GitHub
):
    await organization.connect(github, ADA, label="work", rules=owners("my-org"))
    result = await organization.call(WHO)
    assert result["_meta"]["code"] == "no_credential"
    assert "/credentials/github/explain" in result["content"][0]["text"]
    headers = {"X-Service-GitHub-Token": BO, "X-Service-GitHub-Base-Url": github.url}
    assert await acting(organization, "other", headers=headers) == "bo"
    assert await acting(organization, "my-org", headers=headers) == "ada"
    await organization.connect(github, BO, owner="organization")
    assert await acting(organization, "other") == "bo"
    assert await acting(organization, "my-org") == "ada"


async def test_a_refusal_by_the_service_falls_through_to_no_other_label(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    await organization.connect(github, BO, owner="organization")
    await organization.connect(github, "ghp_expired_token_4444", label="work", rules=owners("my-org"))
    before = len(github.received)
    result = await organization.call("github.create_issue", {"owner": "my-org", "repo": "r", "title": "t"})
    assert (result["isError"], result["_meta"]["credential"]["source"]) == (True, "user")
    assert len(github.received) == before + 1


async def test_a_label_is_replaced_shown_validated_and_deleted_by_itself(organization: Organization, github: GitHub):
    plain = await organization.connect(github, ADA)
    first = await organization.connect(github, ADA, label="work", rules=owners("x"))
    work = await organization.connect(github, BO, label="work", rules=owners("my-org"))
    assert (plain["label"], work["label"], work["rules"]) == (None, "work", owners("my-org"))
    _, listed = await organization.ask("GET", PATH)
    assert [one["id"] for one in listed["credentials"]] == [plain["id"], work["id"]]
    assert first["id"] not in repr(listed)
    assert (await organization.ask("GET", f"{PATH}/github"))[1]["id"] == plain["id"]
    assert (await organization.ask("GET", f"{PATH}/github?label=work"))[1]["id"] == work["id"]
    accounts = []
    for query in ("", "?label=work"):
        _, verdict = await organization.ask("POST", f"{PATH}/github/validate{query}")
        accounts.append((verdict["valid"], verdict["account"]))
    assert accounts == [(True, "ada"), (True, "bo")]
    assert (await organization.ask("DELETE", f"{PATH}/github?label=work"))[0] == 204
    assert await acting(organization, "my-org") == "ada"
    for method, path in (("DELETE", ""), ("GET", ""), ("POST", "/validate")):
        assert (await organization.ask(method, f"{PATH}/github{path}?label=work"))[0] == 404
    assert (await organization.ask("GET", f"{PATH}/github"))[0] == 200


async def test_the_list_comes_in_pages_each_credential_once(organization: Organization, github: GitHub):
    await organization.connect(github, BO, owner="organization")
    for label in ("b", "B", None, "a"):
        await organization.connect(github, ADA, label=label)
    for limit in (1, 2, 4, 5):
        seen, cursor = [], ""
        while cursor is not None:
            _, page = await organization.ask("GET", f"{PATH}?limit={limit}{cursor and f'&cursor={cursor}'}")
            assert page["count"] == len(page["credentials"]) <= limit
            seen += [(one["label"], one["owner"]) for one in page["credentials"]]
            cursor = page["next_cursor"]
        assert seen == [(None, "user"), ("B", "user"), ("a", "user"), ("b", "user"), (None, "organization")]
    for cursor in ("x", "W10", "bnVsbA"):
        assert (await organization.ask("GET", f"{PATH}?cursor={cursor}"))[0] == 422


async def test_what_is_missing_names_the_labels_that_there_are(organization: Organization, github: GitHub):
    await organization.connect(github, ADA, label="work", rules=owners("x"))
    for method in ("GET", "DELETE"):
        status, problem = await organization.ask(method, f"{PATH}/github")
        assert (status, problem["code"]) == (404, "credential_not_found")
        assert "?label=work" in problem["hint"]
    colleague = await organization.person()
    assert "work" not in repr(await organization.ask("GET", f"{PATH}/github", key=colleague))


async def test_a_person_has_so_many_labels_for_a_service_and_no_more_at_once(
    organization: Organization, github: GitHub
):
    async def store(number: int) -> int:
        body = {"service_type": "github", "credentials": {"token": ADA}, "label": f"n{number}"}
        return (await organization.ask("POST", PATH, body))[0]

    statuses = await asyncio.gather(*map(store, range(MOST_LABELS + 5)))
    assert sorted(statuses) == [201] * MOST_LABELS + [409] * 5
    _, listed = await organization.ask("GET", PATH)
    assert listed["count"] == MOST_LABELS
    # A former one is replaced all the same, and the organization's are counted by themselves.
    await organization.connect(github, BO, label=listed["credentials"][0]["label"])
    await organization.connect(github, BO, owner="organization")


async def test_of_two_that_store_one_label_at_once_one_is_kept_whole(organization: Organization, github: GitHub):
    tokens = {"a": ADA, "b": BO}

    async def store(owner: str) -> int:
        body = {
            "service_type": "github",
            "credentials": {"token": tokens[owner]},
            "metadata": {"base_url": github.url, "description": owner},
            "label": "work",
            "rules": owners(owner),
        }
        return (await organization.ask("POST", PATH, body))[0]

    for _ in range(5):
        assert await asyncio.gather(*map(store, "abab")) == [201] * 4
        _, listed = await organization.ask("GET", PATH)
        (kept,) = listed["credentials"]
        owner = kept["metadata"]["description"]
        assert kept["rules"] == owners(owner)
        assert await acting(organization, owner) == {"a": "ada", "b": "bo"}[owner]


async def test_a_credential_that_is_deleted_serves_no_call_that_begins_afterwards(
    organization: Organization, github: GitHub
):
    for _ in range(10):
        await organization.connect(github, ADA, label="work", rules=owners("my-org"))
        calls = [asyncio.create_task(acting(organization, "my-org")) for _ in range(5)]
        assert (await organization.ask("DELETE", f"{PATH}/github?label=work"))[0] == 204
        before = len(github.received)
        assert await acting(organization, "my-org") == "no_credential"
        assert set(await asyncio.gather(*calls)) <= {"ada", "no_credential"}
        assert len(github.received) - before <= len(calls)


async def test_an_account_serves_the_tools_and_roles_that_it_is_kept_to(organization: Organization, github: GitHub):
    more: dict[str, Any] = {"allowed_tools": ["github.get_*"], "allowed_roles": ["admin", "member"]}
    stored = await organization.connect(github, ADA, owner="organization", **more)
    assert {name: stored[name] for name in more} == more
    member, reader = await organization.person(), await organization.person(Role.READONLY)
    assert (await organization.call(WHO, key=member))["structuredContent"]["login"] == "ada"
    assert await acting(organization, "o", key=member) == "no_credential"
    before = len(github.received)
    for key in (reader, organization.key):
        result = await organization.call(WHO, key=key)
        assert result["_meta"]["code"] == "no_credential"
        listed = await organization.call("mesh.list_services", key=key)
        assert not any(one["connected"] for one in listed["structuredContent"]["services"])
    assert len(github.received) == before
    _, tools = await organization.ask("GET", "/api/v1/tools", key=member)
    names = [tool["name"] for tool in tools["tools"] if not tool["name"].startswith("mesh.")]
    assert names
    assert all(name.startswith("github.get_") for name in names)
    told = await organization.call("mesh.list_services", key=member)
    listed = {one["service"]: one for one in told["structuredContent"]["services"]}["github"]
    assert (listed["tools"], listed["tools"] + listed["tools_not_allowed"]) == (len(names), len(CONNECTOR.tools))
    _, none = await organization.ask("GET", "/api/v1/tools", key=reader)
    assert all(tool["name"].startswith("mesh.") for tool in none["tools"])


async def test_an_account_made_for_some_goes_before_the_one_for_all(organization: Organization, github: GitHub):
    await organization.connect(github, ADA, owner="organization")
    await organization.connect(github, BO, owner="organization", label="writer", allowed_tools=["github.create_issue"])
    member = await organization.person()
    assert (await organization.call(WHO, key=member))["structuredContent"]["login"] == "ada"
    assert await acting(organization, "o", key=member) == "bo"


async def test_a_role_that_is_taken_takes_the_account_with_it(organization: Organization, github: GitHub):
    await organization.connect(github, ADA, owner="organization", allowed_roles=["member"])
    key = await organization.person()
    _, profile = await organization.ask("GET", "/api/v1/auth/profile", key=key)
    assert (await organization.call(WHO, key=key))["structuredContent"]["login"] == "ada"
    await organization.ask("PATCH", f"/api/v1/users/{profile['id']}", {"role": "readonly"})
    assert (await organization.call(WHO, key=key))["_meta"]["code"] == "no_credential"


async def test_a_gateway_key_chooses_among_those_that_were_lent(organization: Organization, github: GitHub):
    bounds = {"allowed_ips": ["127.0.0.0/8"], "allowed_services": ["github"]}
    gate = await organization.new_key(key_type="gateway", **bounds)
    _, profile = await organization.ask("GET", "/api/v1/auth/profile")
    sent = {"key": gate, "headers": {"X-On-Behalf-Of": profile["id"]}}
    await organization.connect(github, ADA)
    await organization.connect(github, ADA, label="a", rules=owners("my-org"))
    assert await acting(organization, "my-org", **sent) == "no_credential"
    await organization.connect(github, BO, label="lent", gateway_use=True)
    assert [await acting(organization, owner, **sent) for owner in ("my-org", "other")] == ["bo", "bo"]
    assert await acting(organization, "my-org") == "ada"


async def test_from_its_end_on_it_serves_no_call_and_no_other_takes_its_place(
    mesh: Mesh, organization: Organization, github: GitHub
):
    await organization.connect(github, BO, owner="organization")
    stored = await organization.connect(github, ADA, expires_at="2090-01-01T02:00:00+02:00")
    assert (stored["expires_at"], stored["is_active"]) == ("2090-01-01T00:00:00Z", True)
    assert await acting(organization, "o") == "ada"
    ends = asyncio.get_running_loop().time() + 7
    stored = await organization.connect(github, ADA, expires_at=await soon(mesh))
    while (await organization.ask("GET", f"{PATH}/github"))[1]["is_active"]:
        assert asyncio.get_running_loop().time() < ends + 30
        await asyncio.sleep(0.05)
    before = len(github.received)
    headers = {"X-Service-GitHub-Token": BO, "X-Service-GitHub-Base-Url": github.url}
    assert await acting(organization, "o", headers=headers) == "credential_expired"
    assert len(github.received) == before
    _, told = await explain(organization)
    assert (told["source"], "expired" in told["reason"]) == ("user", True)


async def soon(mesh: Mesh) -> str:
    """Return a time seven seconds from now, by the database's clock: it must not be over when it is stored."""
    async with mesh.app.database.routing() as tx:
        at = await tx.value("select now() + interval '7 seconds'")
    return at.isoformat()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"label": ""}, "label"),
        ({"label": "work\n"}, "label"),
        ({"label": "a b"}, "label"),
        ({"label": "x" * 65}, "label"),
        ({"label": ["work"]}, "label"),
        ({"rules": {}}, "rules"),
        ({"rules": [{}]}, "rules[0].arguments"),
        ({"rules": [{"arguments": {}}]}, "rules[0].arguments"),
        ({"rules": [{"arguments": {"owner": 7}}]}, "rules[0].arguments.owner"),
        ({"rules": [{"arguments": {"owner": ""}}]}, "rules[0].arguments.owner"),
        ({"rules": [{"arguments": {"owner": "x" * 201}}]}, "rules[0].arguments.owner"),
        ({"rules": [{"arguments": {"ownr": "x"}}]}, "rules[0].arguments.ownr"),
        ({"rules": [{"arguments": {f"a{n}": "x" for n in range(6)}}]}, "rules[0].arguments"),
        ({"rules": [{"arguments": {"owner": "x"}, "repo": "x"}]}, "rules[0].repo"),
        ({"rules": owners("x") * 21}, "rules"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2090-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"allowed_tools": ["github.get_*"]}, "allowed_tools"),
        ({"allowed_roles": ["member"]}, "allowed_roles"),
        ({"owner": "organization", "allowed_tools": []}, "allowed_tools"),
        ({"owner": "organization", "allowed_tools": ["github.no_such_tool"]}, "allowed_tools[0]"),
        ({"owner": "organization", "allowed_tools": ["get_issue"]}, "allowed_tools[0]"),
        ({"owner": "organization", "allowed_tools": ["github.get_*"] * 101}, "allowed_tools"),
        ({"owner": "organization", "allowed_roles": ["boss"]}, "allowed_roles[0]"),
        ({"owner": "organization", "allowed_roles": []}, "allowed_roles"),
        ({"owner": "organization", "gateway_use": True}, "gateway_use"),
    ],
)
async def test_a_wrong_term_is_named(organization: Organization, fields: dict[str, Any], wrong: str):
    body = {"service_type": "github", "credentials": {"token": ADA}, **fields}
    status, problem = await organization.ask("POST", PATH, body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [wrong])
    assert (await organization.ask("GET", PATH))[1]["count"] == 0


async def test_explain_says_which_would_be_used_and_why(organization: Organization, github: GitHub):
    assert (await explain(organization))[0] == 404
    plain = await organization.connect(github, ADA)
    work = await organization.connect(github, BO, label="work", rules=owners("my-org"))
    status, told = await explain(organization, '?tool=github.create_issue&arguments={"owner":"my-org"}')
    assert (status, told["source"], told["id"], told["label"]) == (200, "user", work["id"], "work")
    assert "owner=my-org" in told["reason"]
    assert not told["passthrough"]
    assert [(one["label"], one["serves"]) for one in told["considered"]] == [("work", True), (None, False)]
    _, told = await explain(organization, '?arguments={"owner":"other"}')
    assert (told["id"], told["considered"][0]["reason"]) == (plain["id"], "None of its rules matches these arguments.")
    for secret in (ADA, BO):
        assert secret not in repr(told)


async def test_explain_and_the_call_choose_alike(organization: Organization, github: GitHub):
    member = await organization.person()
    await organization.connect(github, ADA, owner="organization", label="a", allowed_tools=["github.get_*"])
    await organization.connect(github, BO, owner="organization", label="b", rules=owners("acme"))
    await organization.connect(github, ADA, key=member, label="own", rules=owners("mine"))
    calls: list[tuple[str, dict[str, str]]] = [
        (WHO, {}),
        ("github.get_issue", {"owner": "acme", "repo": "r", "issue_number": "1"}),
        ("github.create_issue", {"owner": "acme", "repo": "r", "title": "t"}),
        ("github.create_issue", {"owner": "mine", "repo": "r", "title": "t"}),
        ("github.create_issue", {"owner": "none", "repo": "r", "title": "t"}),
    ]
    for tool, arguments in calls:
        given = {**arguments, "issue_number": 1} if "issue_number" in arguments else arguments
        result = await organization.call(tool, given, key=member)
        text = ",".join(f'"{name}":"{value}"' for name, value in arguments.items())
        _, told = await explain(organization, f"?tool={tool}&arguments={{{text}}}", key=member)
        used = result["_meta"].get("credential", {"source": None, "id": None})
        assert {name: told[name] for name in ("source", "id")} == used, tool
        assert told["passthrough"] == (used["source"] != "user")


async def test_explain_tells_nobody_of_others(mesh: Mesh, organization: Organization, github: GitHub):
    await organization.connect(github, ADA, label="private", rules=owners("secret-project"))
    colleague = await organization.person()
    stranger = await mesh.organization()
    nothing = [
        {**(await explain(one, query, key=key))[1], "request_id": "", "instance": ""}
        for one, key in ((organization, colleague), (stranger, None))
        for query in ("", '?arguments={"owner":"secret-project"}')
    ]
    assert nothing == [nothing[0]] * 4
    # Nor of an account that is not for one's role, nor of the rules of one that is.
    await organization.connect(github, BO, owner="organization", allowed_roles=["admin"])
    assert (await explain(organization, key=colleague))[0] == 404
    await organization.connect(github, BO, owner="organization", label="hidden", rules=owners("secret-account"))
    for query in ("", '?arguments={"owner":"secret-account"}'):
        status, told = await explain(organization, query, key=colleague)
        assert status == 200
        assert not [word for word in ("secret", "hidden", "private") if word in repr(told)]


async def test_explain_needs_what_reading_the_credential_needs(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    weaker = await organization.new_key(key_type="user", scopes=["tools:read"])
    assert (await explain(organization, key=weaker))[0] == 403
    elsewhere = await organization.new_key(key_type="agent", allowed_services=["github"])
    assert (await explain(organization, key=elsewhere))[0] == 200
    status, problem = await organization.ask("GET", f"{PATH}/slack/explain", key=elsewhere)
    assert (status, problem["code"]) == (403, "service_not_allowed")
    before = len(github.received)
    assert (await organization.ask("GET", f"{PATH}/myspace/explain"))[0] == 404
    assert len(github.received) == before


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?arguments=[]", 422),
        ("?arguments=7", 422),
        ("?arguments={", 400),
        ('?arguments={"a":1,"a":2}', 400),
        ('?arguments={"owner":' + "[" * 200 + "]" * 200 + "}", 400),
        ('?arguments={"owner":"\\u0000"}', 422),
        ("?arguments=" + "x" * 9000, 422),
        ("?tool=github.no_such_tool", 422),
        ("?tool=slack.post_message", 422),
        ("?owner=my-org", 422),
        ("?tool=create_issue", 200),
        ("?tool=github_create_issue", 200),
        ('?arguments={"owner":{"x":[1,null]},"repo":null,"issue_number":1' + "0" * 400 + "}", 200),
    ],
)
async def test_explain_takes_an_object_of_arguments_and_a_tool_of_the_service(
    organization: Organization, github: GitHub, query: str, status: int
):
    await organization.connect(github, ADA)
    await organization.connect(github, BO, label="n", rules=[{"arguments": {"issue_number": "1*", "owner": "*"}}])
    assert (await explain(organization, query))[0] == status
