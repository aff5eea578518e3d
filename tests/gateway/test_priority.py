"""Whose token goes where, for every service: the right one to its own host, and nothing else ever anywhere."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.demo.github import GitHub, Received
from devmesh.errors import Invalid
from devmesh.upstream.model import Connector, Tool

if TYPE_CHECKING:
    from running import Mesh, Organization

SOURCES = ("user", "passthrough", "organization")
# Where any text would not do.
FITTING = {"region": "eu-central-1"}
FORMS = [
    pytest.param(name, form, id=f"{name}-{'-'.join(form)}" if form else name)
    for name, connector in CONNECTORS.items()
    for form in connector.forms or ((),)
]


@dataclass
class Account:
    """One source's credential for a service, and the server that it belongs to, which refuses whatever comes."""

    fields: dict[str, str]
    server: GitHub

    @property
    def base_url(self) -> str:
        """An address with a path, which goes before every path of the service."""
        return f"{self.server.url}/of/{self.server.port}"

    @property
    def marks(self) -> set[str]:
        """What tells in a request that this credential signed it; the values are nobody else's."""
        return {value for name, value in self.fields.items() if name not in FITTING}


def made(connector: Connector, form: tuple[str, ...], source: str) -> dict[str, str]:
    """Return fields of that form that no other credential has."""
    names = [field.name for field in connector.fields if field.required and not field.metadata]
    texts = {name: f"{source}-{secrets.token_hex(8)}" for name in (*names, *form)}
    return {name: FITTING.get(name, text) for name, text in texts.items()}


def reading(connector: Connector) -> Tool:
    """Return a tool that reads and asks for no argument."""
    for _, tool in sorted(connector.tools.items()):
        if tool.read_only:
            with suppress(Invalid):
                tool.request(tool.arguments.check({}))
                return tool
    raise AssertionError(connector.name)


def told(received: Received) -> str:
    """Return all that a request says, what Basic encodes included (RFC 7617)."""
    scheme, _, rest = received.headers.get("authorization", "").partition(" ")
    pair = base64.b64decode(rest).decode() if scheme == "Basic" else ""
    return "\n".join(
        (received.method, received.path, received.query, repr(received.headers), repr(received.body), pair)
    )


def headers_of(connector: Connector, account: Account) -> dict[str, str]:
    given = {**account.fields, "base_url": account.base_url}
    return {f"X-Service-{connector.name}-{name.replace('_', '-')}": value for name, value in given.items()}


async def put(organization: Organization, connector: Connector, account: Account, **more: Any) -> None:
    body = {
        "service_type": connector.name,
        "credentials": account.fields,
        "metadata": {"base_url": account.base_url},
        **more,
    }
    status, stored = await organization.ask("POST", "/api/v1/credentials", body)
    assert status == 201, stored


@pytest.fixture
async def accounts(service: str, form: tuple[str, ...]) -> AsyncIterator[Mapping[str, Account]]:
    """A credential of each source, each for a server of its own."""
    async with AsyncExitStack() as servers:
        yield {
            source: Account(
                made(CONNECTORS[service], form, source),
                await servers.enter_async_context(GitHub({}, lambda _received: (401, {}, {}))),
            )
            for source in SOURCES
        }


@pytest.mark.parametrize(("service", "form"), FORMS)
async def test_the_right_token_arrives_at_the_right_host_and_nothing_else_ever_does(
    mesh: Mesh, service: str, accounts: Mapping[str, Account]
):
    connector = CONNECTORS[service]
    tool = reading(connector)
    for present in product((False, True), repeat=len(SOURCES)):
        organization = await mesh.organization()
        there = dict(zip(SOURCES, present, strict=True))
        if there["user"]:
            await put(organization, connector, accounts["user"])
        if there["organization"]:
            await put(organization, connector, accounts["organization"], owner="organization")
        headers = headers_of(connector, accounts["passthrough"]) if there["passthrough"] else {}
        result = await organization.call(tool.name, {}, headers=headers)
        expected = next((source for source in SOURCES if there[source]), None)
        assert result["isError"]
        assert result["_meta"].get("credential", {}).get("source") == expected, result
        assert (result["_meta"]["code"] == "no_credential") == (expected is None)
        judge(connector, accounts, expected)


def judge(connector: Connector, accounts: Mapping[str, Account], expected: str | None) -> None:
    """The refused call was made once, at that source's server, with all of its credential that may be seen there."""
    for source, account in accounts.items():
        received, account.server.received = account.server.received, []
        assert len(received) == (source == expected)
        for one in received:
            text = told(one)
            bearers = {name for name, other in accounts.items() if any(mark in text for mark in other.marks)}
            assert bearers == {source}
            assert one.path.startswith(f"/of/{account.server.port}/")
            assert one.headers["host"] == f"127.0.0.1:{account.server.port}"
            assert_secrets(connector, account, one)


def assert_secrets(connector: Connector, account: Account, received: Received) -> None:
    """The secrets stand in the headers as the connector puts them there, and nowhere else."""
    present = {field.name: account.fields[field.name] for field in connector.fields if field.name in account.fields}
    hidden = {present[field.name] for field in connector.fields if field.secret and field.name in present}
    assert not any(secret in f"{received.path}?{received.query}{received.body!r}" for secret in hidden)
    if connector.name == "aws":
        # Signed: the key's id is named, and its secret never travels.
        assert f"Credential={present['access_key']}/" in received.headers["authorization"]
        assert present["secret_key"] not in told(received)
        return
    sent = connector.outgoing(connector.probing(account.fields), account.fields, account.base_url)[2]
    assert {name: received.headers.get(name) for name in sent} == dict(sent)
