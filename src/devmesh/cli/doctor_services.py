"""What the doctor looks at where calls leave for the services."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid, MeshError
from devmesh.settings import Settings
from devmesh.upstream.errors import SETTING, AddressRefused, RedirectRefused, ResponseTooLarge
from devmesh.upstream.model import Request
from devmesh.upstream.origin import base_of
from devmesh.upstream.send import Sender

_SECONDS = 10.0
_NOBODY = ""


def places(addresses: Sequence[str]) -> list[tuple[str, str]]:
    """Return what to ask, by name and base URL: the addresses given, else the services that have one of their own."""
    if addresses:
        return [("service", address) for address in addresses]
    return [(connector.title, connector.base_url) for connector in CONNECTORS.values() if connector.base_url]


async def look(settings: Settings, asked: Sequence[tuple[str, str]]) -> list[Finding]:
    """Ask each service for its first page, as a call would go and without a credential: any answer will do."""
    sender = Sender(settings.upstream_allow)
    try:
        return await asyncio.gather(*(_reached(sender, *one) for one in asked))
    finally:
        await sender.close()


async def _reached(sender: Sender, name: str, base_url: str) -> Finding:
    try:
        what = f"{name} at {base_of(base_url).origin.place}"
    except Invalid:
        # Not repeated: there may be a password in it.
        return wrong(f"{name}: that is no base URL", "write one like https://jira.example.com.")
    try:
        request = Request(method="GET", path="/")
        reply = await sender.send(request, base_url=base_url, organization=_NOBODY, timeout=_SECONDS)
    except (RedirectRefused, ResponseTooLarge):
        return good(f"{what}: answers")
    except AddressRefused as error:
        # Bound to nobody: the entry would open the address for every organization.
        entry = str(error.extra.get("entry", "")).removeprefix("=")
        return wrong(f"{what}: {error.detail}", f"if it is yours, add '{entry}' to {SETTING}." if entry else error.hint)
    except MeshError as error:
        return wrong(f"{what}: {error.detail}", error.hint)
    return good(f"{what}: answers ({reply.status})")
