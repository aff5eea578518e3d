"""The page behind a mailed link, in a real browser."""

from __future__ import annotations

import asyncio
import email
import email.policy
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from system.browser import Browser

if TYPE_CHECKING:
    from running import Organization
    from system.cluster import Address, Cluster
    from system.conftest import Installation, Machine

TOLD = "document.getElementById('told').textContent"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@pytest.fixture
async def installation(machine: Machine, database: Address) -> Installation:
    return await machine.serve(database.url())


async def mailed_link(installation: Installation, organization: Organization, *, after: str = "") -> str:
    """Return the link as the newest mail to the organization's owner shows it, once it is another than `after`."""
    until = time.monotonic() + 60
    while (link := newest_link(installation, organization)) in {"", after}:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    return link


def newest_link(installation: Installation, organization: Organization) -> str:
    address = organization.registered["user"]["email"]
    outbox: Path = installation.data_dir / "outbox"
    mails = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted(outbox.glob("*.eml"))
    ]
    texts = [mail.get_body(("plain",)).get_content() for mail in mails if mail["To"] == address]
    return next((line for text in texts[-1:] for line in text.splitlines() if "/verify#" in line), "")


def verified(cluster: Cluster, database: Address, organization: Organization) -> bool:
    rows = cluster.sql(
        "select verified_at is not null as verified from users where email = $1",
        organization.registered["user"]["email"],
        database=database.database,
    )
    return rows[0]["verified"]


async def test_the_mailed_link_verifies_when_its_button_is_pressed_and_not_before(
    browser: Browser, installation: Installation, cluster: Cluster, database: Address
):
    organization = await installation.organization()
    link = await mailed_link(installation, organization)
    for _ in range(2):
        await browser.open("about:blank")
        await browser.open(link)
        assert "Press the button" in await browser.ask(TOLD)
    assert not verified(cluster, database, organization)
    # Neither the server nor the address bar sees the secret.
    secret = link.partition("token=")[2]
    assert await browser.ask("location.href") == f"{installation.url.replace('127.0.0.1', 'localhost')}/verify"
    assert all(secret not in url for _, url in browser.requests if not url.startswith(link))
    await browser.press("#confirm button")
    await browser.until(f"{TOLD} === 'Your e-mail address is verified.'")
    assert verified(cluster, database, organization)
    assert browser.complaints == []
    assert {method for method, _ in browser.requests} == {"GET", "POST"}


async def test_a_link_that_is_spent_offers_another_mail(
    browser: Browser, installation: Installation, cluster: Cluster, database: Address
):
    organization = await installation.organization()
    link = await mailed_link(installation, organization)
    await browser.open(f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}")
    await browser.press("#confirm button")
    await browser.until("!document.getElementById('again').hidden")
    # The refusal's own status is what the browser notes, and nothing else.
    assert [text for text in browser.complaints if "status of 4" not in text] == []
    address = organization.registered["user"]["email"]
    await browser.ask(f"document.getElementById('email').value = {address!r}")
    await browser.press("#again button")
    await browser.until(f"{TOLD}.startsWith('If an unverified account')")
    renewed = await mailed_link(installation, organization, after=link)
    # Pasted into the same tab, as the page told to do.
    await browser.open(renewed)
    await browser.until("!document.getElementById('confirm').hidden")
    await browser.press("#confirm button")
    await browser.until(f"{TOLD} === 'Your e-mail address is verified.'")
    assert verified(cluster, database, organization)


async def test_half_a_link_asks_for_the_whole_and_takes_it_in_the_same_tab(
    browser: Browser, installation: Installation, cluster: Cluster, database: Address
):
    organization = await installation.organization()
    link = await mailed_link(installation, organization)
    await browser.open(link.partition("#")[0])
    assert "This link is incomplete" in await browser.ask(TOLD)
    await browser.open(link)
    await browser.until(f"{TOLD}.startsWith('Press the button')")
    await browser.press("#confirm button")
    await browser.until(f"{TOLD} === 'Your e-mail address is verified.'")
    assert verified(cluster, database, organization)


async def test_the_pages_policy_lets_nothing_else_run(browser: Browser, installation: Installation):
    await browser.open(f"{installation.url}/verify")
    await browser.ask(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        "document.body.append(script); })()"
    )
    assert await browser.ask("window.ran") is None
    assert [text for text in browser.complaints if "Content Security Policy" in text]
