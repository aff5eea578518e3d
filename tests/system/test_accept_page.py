"""The pages on which an invitation is accepted and a password is chosen, in a real browser, without a mouse."""

from __future__ import annotations

import asyncio
import email
import email.policy
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from system.browser import Browser

if TYPE_CHECKING:
    from running import Organization
    from system.cluster import Address
    from system.conftest import Installation, Machine

TOLD = "document.getElementById('told').textContent"
PASSWORD = "a sentence that only Bo says"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@pytest.fixture
async def installation(machine: Machine, database: Address) -> Installation:
    return await machine.serve(database.url())


@pytest.fixture
async def organization(installation: Installation) -> Organization:
    return await installation.organization()


async def mailed_link(installation: Installation, address: str, page: str) -> str:
    """Return the link to `page` in the newest mail to the address, as soon as there is one."""
    until = time.monotonic() + 60
    while True:
        files = sorted((installation.data_dir / "outbox").glob("*.eml"), key=lambda file: file.name.rpartition("Z-")[2])
        for file in reversed(files):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for line in mail.get_body(("plain",)).get_content().splitlines():
                if mail["To"] == address and f"/{page}#" in line:
                    return line
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def invited(installation: Installation, organization: Organization) -> str:
    address = f"bo@{organization.slug}.example"
    body = {"email": address, "name": "Bo Person"}
    assert (await organization.ask("POST", "/api/v1/auth/users/invite", body))[0] == 201
    return await mailed_link(installation, address, "accept")


async def write(browser: Browser, field: str, text: str) -> None:
    """Reach the field by the Tab key alone, and type."""
    for _ in range(12):
        if await browser.ask("document.activeElement.id") == field:
            break
        await browser.strike("Tab")
    assert await browser.ask("document.activeElement.id") == field
    await browser.ask(f"document.getElementById({field!r}).select()")
    await browser.type(text)


async def stored(browser: Browser) -> Any:
    return await browser.ask("[document.cookie, localStorage.length, sessionStorage.length]")


async def test_an_invitation_is_accepted_and_a_first_key_made_without_a_mouse(
    browser: Browser, installation: Installation, organization: Organization
):
    link = await invited(installation, organization)
    await browser.open(link)
    await browser.until("!document.getElementById('accept').hidden")
    assert await browser.ask("location.href") == f"{installation.url.replace('127.0.0.1', 'localhost')}/accept"
    name = organization.registered["organization"]["name"]
    assert await browser.ask("document.getElementById('organization').textContent") == name

    await write(browser, "password", "weak")
    await browser.strike("Enter")
    await browser.until("document.querySelectorAll('#faults li').length === 3")
    assert await browser.ask("document.activeElement.id") == "password"
    await write(browser, "password", PASSWORD)
    await browser.strike("Enter")
    await browser.until("!document.getElementById('next').hidden")
    assert await browser.ask("document.activeElement.textContent") == f"Welcome to {name}"

    await write(browser, "label", "Bo's first")
    await browser.strike("Enter")
    await browser.until("!document.getElementById('made').hidden")
    key = await browser.ask("document.getElementById('key').value")
    _, profile = await organization.ask("GET", "/api/v1/auth/profile", key=key)
    assert (profile["email"], profile["role"]) == (f"bo@{organization.slug}.example", "member")
    assert await stored(browser) == ["", 0, 0]
    # The refusal's own status is what the browser notes, and nothing else.
    assert [text for text in browser.complaints if "status of 422" not in text] == []
    secret = link.partition("token=")[2]
    assert all(secret not in url for _, url in browser.requests if not url.startswith(link))

    await browser.open("about:blank")
    await browser.open(link)
    await browser.until(f"{TOLD}.startsWith('This link is not valid')")
    assert await browser.ask("document.getElementById('accept').hidden")


async def test_a_new_password_is_chosen_and_works(
    browser: Browser, installation: Installation, organization: Organization
):
    address = organization.registered["user"]["email"]
    await browser.open(await mailed_link(installation, address, "verify"))
    await browser.press("#confirm button")
    await browser.until(f"{TOLD} === 'Your e-mail address is verified.'")
    async with installation.http.post("/api/v1/auth/password/reset", json={"email": address}) as reply:
        assert reply.ok
    link = await mailed_link(installation, address, "reset")
    await browser.open(link)
    await write(browser, "new_password", PASSWORD)
    await browser.strike("Enter")
    await browser.until("document.getElementById('reset').hidden")
    async with installation.http.post("/api/v1/auth/login", json={"email": address, "password": PASSWORD}) as reply:
        assert reply.status == 200
    assert await stored(browser) == ["", 0, 0]
    # It would like to see whose password it is: the page does not know, and the link does not say.
    assert [text for text in browser.complaints if "should have (optionally hidden) username" not in text] == []


@pytest.mark.parametrize("page", ["accept", "reset"])
async def test_the_pages_policy_lets_nothing_else_run(browser: Browser, installation: Installation, page: str):
    await browser.open(f"{installation.url}/{page}")
    await browser.ask(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        "document.body.append(script); })()"
    )
    assert await browser.ask("window.ran") is None
    assert [text for text in browser.complaints if "Content Security Policy" in text]
