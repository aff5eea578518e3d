"""The TypeScript SDK in a page of another origin, in a real browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from sdk.node import SDK, make
from system.browser import Browser

if TYPE_CHECKING:
    from running import Organization
    from system.cluster import Address
    from system.conftest import Machine

ALLOWED, FOREIGN = "app.example", "evil.example"
PAGE = "<!doctype html><title>App</title><link rel=icon href='data:,'>"
MADE = """
(async () => {
  const { MCPClient } = await import('/sdk.js');
  const client = new MCPClient({
    baseURL: %(url)s,
    auth: {type: 'jwt', username: %(email)s, password: 'SecurePass123!'},
    tenantId: %(tenant)s,
    retryConfig: {maxRetries: 0},
  });
  %(then)s
})()
"""


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A web application of whatever name the browser asks for, with the SDK as it was built."""
    make("build")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def module(_: web.Request) -> web.Response:
        return web.Response(body=(SDK / "dist" / "esm" / "index.js").read_bytes(), content_type="text/javascript")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/sdk.js", module)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def organization(machine: Machine, database: Address, port: int) -> Organization:
    installation = await machine.serve(database.url(), DEVMESH_ALLOWED_ORIGINS=f"http://{ALLOWED}:{port}")
    return await installation.organization()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser(ALLOWED, FOREIGN) as browser:
        yield browser


async def run(browser: Browser, organization: Organization, then: str) -> Any:
    """Return what the page's program returns."""
    email = organization.registered["user"]["email"]
    shown = {"url": organization.mesh.url, "email": email, "tenant": organization.slug}
    return await browser.ask(MADE % {"then": then, **{name: json.dumps(value) for name, value in shown.items()}})


async def test_a_page_of_an_allowed_origin_logs_in_reads_writes_and_is_told_what_is_wrong(
    browser: Browser, port: int, organization: Organization
):
    await browser.open(f"http://{ALLOWED}:{port}")
    # No randomUUID on a page without TLS: Idempotency-Keys come about all the same.
    assert await browser.ask("typeof crypto.randomUUID") == "undefined"
    assert await run(browser, organization, "return (await client.auth.profile()).role;") == "owner"
    assert await run(browser, organization, "return (await client.contexts.create({name: 'one'})).version;") == 1
    wrong = "try { await client.tools.describe('no.such_tool'); } catch (error) { return [error.name, error.status]; }"
    assert await run(browser, organization, wrong) == ["NotFoundError", 404]
    refused = (
        "const { requestId } = await client.keys.create({name: ''}).catch((error) => error); return requestId.length;"
    )
    assert await run(browser, organization, refused) > 0


async def test_a_page_of_another_origin_gets_one_typed_error(browser: Browser, port: int, organization: Organization):
    await browser.open(f"http://{FOREIGN}:{port}")
    met = "return client.auth.profile().catch((error) => [error.name, error.code]);"
    assert await run(browser, organization, met) == ["ConnectionFailedError", "connection_failed"]
