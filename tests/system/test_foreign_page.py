"""A web application of another origin in a real browser: the published guide's `fetch`, and who may use it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from system.browser import Browser

if TYPE_CHECKING:
    from running import Organization
    from system.cluster import Address
    from system.conftest import Installation, Machine

ALLOWED, FOREIGN = "app.example", "evil.example"
PASSWORD = "SecurePass123!"
PRINTED_URL = "http://localhost:8081"
GUIDES = sorted(Path(__file__).parents[3].glob("*/spec/authentication-patterns.md"))
OURS = """
async function login(email, password) {
  const response = await fetch('http://localhost:8081/api/v1/auth/login', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({email, password}),
  });
  const data = await response.json();
  localStorage.setItem('access_token', data.access_token);
  localStorage.setItem('refresh_token', data.refresh_token);
  axios.defaults.headers.common['Authorization'] = `Bearer ${data.access_token}`;
}
"""
# What the sample leaves to the page around it.
AROUND = "const axios = {defaults: {headers: {common: {}}}};"
CALL = """
(async () => {
  const headers = {Authorization: axios.defaults.headers.common['Authorization'], 'X-Tenant-ID': '%(tenant)s'};
  const reply = await fetch('%(url)s/api/v1/auth/profile', {headers});
  return [reply.status, (await reply.json()).role, Number(reply.headers.get('X-RateLimit-Remaining')) > 0];
})()
"""
REFRESH = """
(async () => {
  const reply = await fetch('%(url)s/api/v1/auth/refresh', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({refresh_token: localStorage.getItem('refresh_token')}),
  });
  return [reply.status, (await reply.json()).access_token !== localStorage.getItem('access_token')];
})()
"""


def samples() -> dict[str, str]:
    found = {"ours": OURS}
    for guide in GUIDES:
        [block] = [part for part in guide.read_text().split("```") if "async function login" in part]
        found["the guide's"] = block.removeprefix("javascript")
    return found


@dataclass
class Site:
    """Pages of a web application, each under whatever name the browser asks for."""

    port: int
    script: str = ""

    def origin(self, host: str) -> str:
        return f"http://{host}:{self.port}"

    async def page(self, _: web.Request) -> web.Response:
        text = f"<!doctype html><title>App</title><link rel=icon href='data:,'><script>{self.script}</script>"
        return web.Response(text=text, content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(0)
    app = web.Application()
    app.router.add_get("/", site.page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser(ALLOWED, FOREIGN) as browser:
        yield browser


@pytest.fixture
async def installation(machine: Machine, database: Address, site: Site) -> Installation:
    return await machine.serve(database.url(), DEVMESH_ALLOWED_ORIGINS=site.origin(ALLOWED))


@pytest.fixture
async def organization(installation: Installation) -> Organization:
    return await installation.organization()


def email(organization: Organization) -> str:
    address: str = organization.registered["user"]["email"]
    return address


def login(organization: Organization) -> str:
    return f"login({json.dumps(email(organization))}, {json.dumps(PASSWORD)})"


async def actions(organization: Organization) -> list[Any]:
    _, audit = await organization.ask("GET", "/api/v1/audit?limit=50")
    return [entry["action"] for entry in audit["entries"]]


@pytest.mark.parametrize("sample", samples().values(), ids=samples())
async def test_a_page_of_an_allowed_origin_logs_in_calls_and_refreshes(
    sample: str, browser: Browser, site: Site, installation: Installation, organization: Organization
):
    assert PRINTED_URL in sample
    site.script = AROUND + sample.replace(PRINTED_URL, installation.url)
    await browser.open(site.origin(ALLOWED))
    await browser.ask(login(organization))
    assert await browser.ask("localStorage.getItem('refresh_token').startsWith('rfr_')") is True
    filled = {"url": installation.url, "tenant": organization.slug}
    assert await browser.ask(CALL % filled) == [200, "owner", True]
    assert await browser.ask(REFRESH % filled) == [200, True]
    assert "user.login" in await actions(organization)
    assert browser.complaints == []
    assert ("OPTIONS", f"{installation.url}/api/v1/auth/login") in browser.requests


async def test_a_page_of_another_origin_is_told_nothing_and_does_nothing(
    browser: Browser, site: Site, installation: Installation, organization: Organization
):
    site.script = AROUND + OURS.replace(PRINTED_URL, installation.url)
    await browser.open(site.origin(FOREIGN))
    assert await browser.ask(f"{login(organization)}.catch(error => String(error))") == "TypeError: Failed to fetch"
    # A form's content type needs no preflight: the request arrives, and is refused all the same.
    simple = (
        f"fetch('{installation.url}/api/v1/auth/login', {{method: 'POST', mode: 'no-cors', body: "
        f"{json.dumps(json.dumps({'email': email(organization), 'password': PASSWORD}))}}}).then(reply => reply.type)"
    )
    assert await browser.ask(simple) == "opaque"
    key = f"fetch('{installation.url}/api/v1/auth/profile', {{headers: {{'X-API-Key': '{organization.key}'}}}})"
    assert await browser.ask(f"{key}.catch(error => String(error))") == "TypeError: Failed to fetch"
    assert "user.login" not in await actions(organization)
    assert await browser.ask("localStorage.length") == 0
