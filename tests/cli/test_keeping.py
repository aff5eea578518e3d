"""Keys, contexts and the audit from the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from audit.altering import alter_row
from devmesh.cli.audit import who_acted
from devmesh.cli.keys_people import duration
from devmesh.client.server import Reply

if TYPE_CHECKING:
    from devmesh.db.embedded import Embedded
    from running import Mesh, Organization
    from shell import Shell


async def works(organization: Organization, key: str) -> bool:
    return (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200


async def test_a_key_is_made_shown_once_listed_rotated_and_revoked(logged_in: Shell, organization: Organization):
    made = await logged_in.type("keys", "create", "my agent", "--type", "agent", "--scope", "read")
    [key] = [word for word in made.text.split() if word.startswith("agt_")]
    assert (made.code, await works(organization, key)) == (0, True)
    listed = await logged_in.type("keys", "list")
    assert (listed.code, f"{key[:8]} my agent agent read" in listed.text) == (0, True), listed.out
    assert key not in listed.out
    rotated = await logged_in.run("keys", "rotate", "my agent")
    assert await works(organization, rotated.json["api_key"])
    assert not await works(organization, key)
    gone = await logged_in.type(
        "keys", "revoke", rotated.json["info"]["key_prefix"], answers=[("for good? [y/N]", "y")]
    )
    assert (gone.code, await works(organization, rotated.json["api_key"])) == (0, False)
    assert "my agent" not in (await logged_in.type("keys", "list")).text
    assert "revoked" in (await logged_in.type("keys", "list", "--all")).text
    assert max(ran.widest for ran in (made, listed, gone)) <= 80


@pytest.mark.parametrize("grace", ["60", "90s", "1h"])
async def test_a_rotated_key_has_its_grace(logged_in: Shell, organization: Organization, grace: str):
    key = await organization.new_key(name="kept")
    ran = await logged_in.run("keys", "rotate", "kept", "--grace", grace)
    assert (ran.code, await works(organization, key)) == (0, True)


async def test_of_a_rotation_without_a_grace_it_is_said_that_the_former_secret_ended(
    logged_in: Shell, organization: Organization
):
    key = await organization.new_key(name="kept")
    ran = await logged_in.type("keys", "rotate", "kept")
    assert (ran.code, "former secret ended at once" in ran.text) == (0, True), ran.out
    assert not await works(organization, key)
    kept = await logged_in.type("keys", "rotate", "kept", "--grace", "1h")
    assert "The former secret works for 1:00:00 more" in kept.text


async def test_what_bounds_a_key_is_asked_for_by_options(logged_in: Shell):
    words = ("--service", "github", "--ip", "127.0.0.1", "--expires-in", "12h", "--scope", "read", "--scope", "write")
    info = (await logged_in.run("keys", "create", "bound", "--type", "agent", *words)).json["info"]
    assert (info["allowed_services"], info["scopes"]) == (["github"], ["read", "write"])
    assert info["allowed_ips"] == ["127.0.0.1/32"] or info["allowed_ips"] == ["127.0.0.1"]
    ends = datetime.fromisoformat(info["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < ends <= timedelta(hours=12)


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("contexts:reed", "did you mean contexts:read?"),
        ("toolz:execute:github", "did you mean tools:execute?"),
        ("tools:read:githb", "There is no service 'githb'. next: Did you mean github?"),
        ("tools:execute:githb.get_issue", "Did you mean github?"),
    ],
)
async def test_of_a_mistyped_scope_the_nearest_is_named_and_no_key_is_made(
    logged_in: Shell, organization: Organization, scope: str, said: str
):
    ran = await logged_in.type("keys", "create", "mistyped", "--scope", "read", "--scope", scope)
    assert (ran.code != 0, said in ran.text) == (True, True), ran.out
    _, listed = await organization.ask("GET", "/api/v1/api-keys")
    assert "mistyped" not in [key["name"] for key in listed["api_keys"]]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("tools:execute:github.create_isue", "opens no tool. Did you mean github.create_issue"),
        ("tools:execute:aws.sts.get_session_token", "opens no tool."),
        ("tools:write:github", "opens no tool: tools:read and tools:execute do."),
        ("tools:execute:github.create_issue", ""),
        ("tools:read:jira.get_*", ""),
        ("tools:read:git*", ""),
        ("tools:read:mesh", ""),
        ("contexts:*", ""),
    ],
)
async def test_of_a_scope_that_opens_no_tool_that_is_noted(logged_in: Shell, scope: str, said: str):
    ran = await logged_in.run("keys", "create", "it", "--scope", scope)
    assert (ran.code, ran.json["info"]["scopes"]) == (0, [scope]), ran.err
    assert ("opens no tool" in ran.err, said in ran.err.replace("\n", " ")) == (bool(said), True), ran.err


async def test_whoever_may_not_see_services_makes_keys_with_their_names_all_the_same(
    shell: Shell, organization: Organization
):
    shell.environ["DEVMESH_API_KEY"] = await organization.new_key(scopes=["keys:*", "tools:read"])
    ran = await shell.run("keys", "create", "it", "--scope", "tools:read:github.get_issue")
    assert (ran.code, ran.err) == (0, ""), ran.said


async def test_a_name_of_several_keys_or_of_none_ends_no_key(logged_in: Shell, organization: Organization):
    keys = [await organization.new_key(name="twin") for _ in range(2)]
    several = await logged_in.run("keys", "revoke", "twin", "--yes")
    assert (several.code, "by its id" in several.err) == (2, True)
    assert all(f"({key[:8]}" in several.err for key in keys), several.err
    none = await logged_in.run("keys", "revoke", "nobody", "--yes")
    assert (none.code, "keys list" in none.err) == (4, True)
    unasked = await logged_in.run("keys", "revoke", keys[0][:8])
    assert unasked.code == 2
    assert [await works(organization, key) for key in keys] == [True, True]


async def test_another_organizations_key_is_not_there(logged_in: Shell, mesh: Mesh):
    other = await mesh.organization()
    _, listed = await other.ask("GET", "/api/v1/api-keys")
    ran = await logged_in.run("keys", "revoke", listed["api_keys"][0]["id"], "--yes")
    assert (ran.code, await works(other, other.key)) == (4, True)


@pytest.mark.parametrize("time", ["0d", "0", "9999999d", "99999999999", "-1d", "1y", "d", "\u0663d"])
async def test_a_strange_length_of_time_is_a_usage_error(logged_in: Shell, time: str):
    assert (await logged_in.run("keys", "create", "x", f"--expires-in={time}")).code == 2


@pytest.mark.parametrize("time", ["36501d", "90000d", "9999999999w", "1" * 5000], ids=lambda time: time[:12])
async def test_a_length_of_time_beyond_the_longest_is_answered_with_the_longest(shell: Shell, time: str):
    ran = await shell.run("keys", "create", "x", "--expires-in", time)
    assert (ran.code, "it is too long: at most 36500d" in ran.err) == (2, True), ran.err


def test_every_unit_reaches_the_longest_time():
    for longest in ("36500d", "876000h", "52560000m", "3153600000s", "3153600000"):
        assert duration(longest) == timedelta(days=36_500)


async def test_lists_longer_than_a_page_are_whole(logged_in: Shell, organization: Organization):
    for first in range(0, 210, 30):
        await asyncio.gather(
            *(organization.ask("POST", "/api/v1/contexts", {"name": f"c{first + n}"}) for n in range(30))
        )
    assert (await logged_in.run("contexts", "list", "--limit", "1000")).json["count"] == 210
    assert (await logged_in.run("contexts", "list", "--limit", "205")).json["count"] == 205


async def test_a_context_is_stored_shown_replaced_and_deleted(logged_in: Shell):
    document = {"name": "release 7", "tags": ["web"], "content": {"steps": [1, 2]}}
    (logged_in.home / "release.json").write_text(json.dumps(document))
    made = await logged_in.run("contexts", "create", "release.json", "--tag", "api")
    assert (made.code, made.json["tags"], made.json["version"]) == (0, ["api"], 1), made.err
    context = made.json["id"]
    changed = await logged_in.run(
        "contexts", "update", context, "-", "--if-version", "1", stdin=json.dumps({**document, "content": {}})
    )
    assert (changed.code, changed.json["version"]) == (0, 2)
    stale = await logged_in.run("contexts", "update", context, "release.json", "--if-version", "1")
    assert (stale.code, "Traceback" in stale.err) == (1, False)
    assert (await logged_in.run("contexts", "get", context)).json["content"] == {}
    former = await logged_in.type("contexts", "get", context, "--version", "1")
    assert '"steps": [ 1, 2 ]' in former.text
    listed = await logged_in.type("contexts", "list", "--tag", "web")
    assert (listed.widest <= 80, context in listed.text, "release 7" in listed.text) == (True, True, True), listed.out
    assert (await logged_in.run("contexts", "list", "--search", "nothing")).json["count"] == 0
    kept = await logged_in.type("contexts", "delete", context, answers=[("[y/N]", "n")])
    assert kept.code == 1
    gone = await logged_in.type("contexts", "delete", context, answers=[("[y/N]", "y")])
    assert gone.code == 0
    assert (await logged_in.run("contexts", "get", context)).code == 4


@pytest.mark.parametrize("content", ["", "[1]", "{", "\ufffe", "1" * 5000])
async def test_a_file_that_is_no_object_is_not_stored(logged_in: Shell, content: str):
    (logged_in.home / "x.json").write_text(content)
    ran = await logged_in.run("contexts", "create", "x.json")
    assert (ran.code, "no JSON object" in ran.err) == (2, True), ran.err


async def test_a_file_that_there_is_none_of_is_said(logged_in: Shell):
    ran = await logged_in.run("contexts", "create", "none.json")
    assert (ran.code, "none.json cannot be read" in ran.err) == (2, True)


async def test_the_audit_is_shown_with_its_filters(logged_in: Shell, organization: Organization):
    await organization.new_key(name="one")
    ran = await logged_in.type("audit", "--action", "key.create")
    assert (ran.code, "key.create" in ran.text, "session" in ran.text) == (0, True, False), ran.out
    assert ran.widest <= 80
    assert (await logged_in.run("audit", "--limit", "1")).json["count"] == 1
    assert (await logged_in.run("audit", "--since", "2999-01-01T00:00:00Z")).json["entries"] == []
    wrong = await logged_in.run("audit", "--since", "yesterday")
    assert (wrong.code, "write a time such as 2026-11-22T00:00:00Z" in wrong.err) == (2, True)
    for before in ("2999-01-01", "2999-01-01T00:00:00", "2999-01-01T00:00:00+02:00"):
        assert (await logged_in.run("audit", "--since", before)).json["entries"] == []
        assert (await logged_in.run("audit", "--until", before, "--limit", "1")).json["count"] == 1
    shown = await logged_in.type("audit", "--outcome", "pending", "--tool", "none")
    assert "There is no such entry." in shown.text


async def test_the_audit_says_who_acted_and_with_what_key(logged_in: Shell, organization: Organization):
    email, user_id = (organization.registered["user"][name] for name in ("email", "id"))
    await organization.new_key(name="by a key")
    await logged_in.run("keys", "create", "by a session")
    ran = await logged_in.type("audit", "--action", "key.create", columns=160)
    by = [line.rpartition("  ")[2].strip() for line in ran.out.splitlines()[1:]]
    assert by == [email, f"{email}, admin key"], ran.out
    logged_in.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="admin", scopes=["audit:read"])
    ran = await logged_in.type("audit", "--action", "key.create", columns=160)
    assert (ran.code, f"{user_id}, admin key" in ran.text, email in ran.text) == (0, True, False), ran.out


async def test_a_new_key_says_which_scopes_its_type_can_never_use(logged_in: Shell):
    made = await logged_in.type("keys", "create", "prom", "--scope", "metrics:read", "--scope", "contexts:read")
    assert "may contexts:read limit" in made.text, made.out
    assert "No user key can use metrics:read: that takes a key of another type." in made.text
    piped = await logged_in.run("keys", "create", "prom", "--scope", "metrics:read")
    assert (piped.code, piped.json["info"]["unusable_scopes"]) == (0, ["metrics:read"])
    assert "No user key can use metrics:read" in piped.err
    fine = await logged_in.type("keys", "create", "prom", "--type", "admin", "--scope", "metrics:read")
    assert ("may metrics:read limit" in fine.text, "can use" in fine.text) == (True, False), fine.out


async def test_an_altered_entry_of_the_audit_is_marked(
    logged_in: Shell, organization: Organization, postgres: Embedded
):
    await organization.new_key(name="one")
    await organization.new_key(name="two")
    ran = await logged_in.type("audit", "--action", "key.create")
    assert "ALTERED" not in ran.text
    newest = (await logged_in.run("audit", "--action", "key.create", "--limit", "1")).json["entries"][0]["id"]
    await alter_row(postgres, UUID(organization.id), "id = $2", "record = record || ' '", UUID(newest))
    ran = await logged_in.type("audit", "--action", "key.create")
    assert (ran.code, ran.widest <= 80) == (0, True)
    marked = [line for line in ran.out.splitlines() if "ok, ALTERED" in line]
    assert len(marked) == 1
    assert "changed in the database after it was written: 1 of these." in " ".join(ran.text.split())
    piped = await logged_in.run("audit", "--action", "key.create")
    assert [entry["altered"] for entry in piped.json["entries"]].count(True) == 1
    assert "1 of these" in " ".join(piped.err.split())


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ({"user_id": None, "key_type": None, "on_behalf_of": None}, "nobody known"),
        ({"user_id": "1", "key_type": None, "on_behalf_of": None}, "ada@acme.example"),
        (
            {"user_id": "1", "key_type": "gateway", "on_behalf_of": "2"},
            "ada@acme.example, gateway key for bo@acme.example",
        ),
        ({"user_id": "3", "key_type": "agent", "on_behalf_of": None}, "3, agent key"),
    ],
)
def test_whoever_acted_is_named_by_address_or_else_by_id(actor: dict[str, str | None], said: str):
    assert who_acted(Reply(actor), {"1": "ada@acme.example", "2": "bo@acme.example"}) == said


async def test_whoever_may_not_see_the_audit_is_told_by_3(shell: Shell, organization: Organization):
    shell.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="user")
    ran = await shell.run("audit")
    assert (ran.code, ran.out, "Unset it" in ran.err) == (3, "", True)


@pytest.mark.parametrize("name", ["\u202eevil", "\u200b", "宽" * 60])
async def test_a_name_cannot_move_the_cursor_or_break_the_table(
    logged_in: Shell, organization: Organization, name: str
):
    _, made = await organization.ask("POST", "/api/v1/contexts", {"name": name})
    ran = await logged_in.type("contexts", "list")
    assert ran.code == 0
    assert not any(bad in ran.out for bad in ("\u202e", "\u200b"))
    [row] = [line for line in ran.out.splitlines() if made["id"] in line]
    assert "ago" in row
    assert json.loads((await logged_in.run("contexts", "list")).out)["contexts"][0]["name"] == name


async def test_colors_are_for_terminals_and_for_who_wants_them(logged_in: Shell):
    assert "\x1b[" in (await logged_in.type("keys", "list")).out
    assert "\x1b" not in (await logged_in.run("keys", "list")).out
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        logged_in.environ[name] = value
        assert "\x1b" not in (await logged_in.type("keys", "list")).out
        assert "\x1b" not in (await logged_in.type("keys", "revoke", "nobody", "--yes")).out
        del logged_in.environ[name]
