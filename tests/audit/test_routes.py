"""GET /audit as a client meets it."""

from uuid import UUID

from audit.altering import alter_row


async def test_the_audit_is_read_in_pages_by_its_filters(organization):
    for _ in range(3):
        await organization.new_key()
    status, page = await organization.ask("GET", "/api/v1/audit?action=key.create&limit=2")
    assert status == 200
    assert page["count"] == len(page["entries"]) == 2
    status, rest = await organization.ask(
        "GET", f"/api/v1/audit?action=key.create&limit=2&cursor={page['next_cursor']}"
    )
    assert (status, rest["count"], rest["next_cursor"]) == (200, 1, None)
    entry = rest["entries"][0]
    assert entry["at"].endswith("Z")
    assert entry["receipt"]["id"] == entry["id"]
    assert len(entry["receipt"]["row_hash"]) == 64
    assert entry["actor"]["key_type"] == "admin"


async def test_wrong_filters_are_all_named(organization):
    status, problem = await organization.ask(
        "GET", "/api/v1/audit?actor=ada&outcome=fine&since=yesterday&until=2026-01-01T00:00:00&limit=201&cursor=x"
    )
    assert status == 422
    named = {fault["field"] for fault in problem["errors"]}
    assert named >= {"actor", "outcome", "since", "until", "limit"}


async def test_a_user_key_may_not_read_the_audit(organization):
    key = await organization.new_key(key_type="user")
    status, problem = await organization.ask("GET", "/api/v1/audit", key=key)
    assert (status, problem["required_scopes"]) == (403, ["audit:read"])


async def test_another_organization_reads_its_own_audit_alone(organization, mesh):
    other = await mesh.organization()
    actor = other.registered["user"]["id"]
    await other.new_key()
    _, page = await organization.ask("GET", f"/api/v1/audit?actor={actor}")
    assert page["entries"] == []
    _, page = await organization.ask("GET", "/api/v1/audit?action=key.create")
    assert page["entries"] == []


async def test_an_altered_entry_is_marked_beside_those_that_are_not(organization, postgres):
    for name in ("one", "two"):
        await organization.new_key(name=name)
    _, page = await organization.ask("GET", "/api/v1/audit?action=key.create&limit=2")
    assert [entry["altered"] for entry in page["entries"]] == [False, False]
    ours, altered = UUID(organization.id), UUID(page["entries"][0]["id"])
    for text in ('{"action":"key.create"}', "no JSON"):
        await alter_row(postgres, ours, "id = $2", "record = $3", altered, text)
        status, page = await organization.ask("GET", "/api/v1/audit?action=key.create&limit=2")
        assert (status, [entry["altered"] for entry in page["entries"]]) == (200, [True, False])
