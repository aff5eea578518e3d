"""The gateway's own tools, declared like any connector's; they reach no service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from devmesh.access import Caller
from devmesh.credentials.fields import how_to_connect
from devmesh.credentials.vault import Vault
from devmesh.gateway.model import Listing
from devmesh.upstream.model import Connector, Failure, Request, Verdict, get, load_tools


def _nothing(_request: Request, _fields: Mapping[str, str], _base_url: str) -> Mapping[str, str]:
    return {}


BUILTIN = Connector(
    name="mesh",
    title="Developer Mesh",
    base_url=None,
    fields=(),
    auth=_nothing,
    probe=get("/"),
    judge=lambda _reply: Verdict("unknown", "The gateway's own tools need no credential."),
    explain=lambda reply: Failure(str(reply.status), "Try again."),
)


@BUILTIN.tool(projects=False)
def list_services() -> Request:
    """List the services that this gateway reaches: which are connected, which are not, and how a person connects them.

    Call this first when a tool you expect is missing, or when a call says that no credential is stored. Of a connected
    service, `tools_not_allowed` is how many of its tools this key's scopes, or the credential itself, do not allow.
    """
    return get("/services")


READ_MORE = "mesh.read_more"


@BUILTIN.tool(projects=False)
def read_more(
    handle: Annotated[
        str,
        Meta(
            description="The handle that the last part of the result gave.",
            max_length=64,
            pattern="^[0-9a-f]{32}-[0-9]{1,9}$",
            examples=["01a202553c9a7a1d9b0a5f7c2d3e4f50-12"],
        ),
    ],
) -> Request:
    """Return the next part of a result that was too long to be shown at once, and the handle for what follows it.

    Call this when a result ends with `more` or says so in its last line. Nothing is asked of the service again.
    """
    return get("/results/{handle}", handle=handle)


async def services(
    vault: Vault, connectors: Mapping[str, Connector], caller: Caller, listing: Listing
) -> dict[str, Any]:
    """Return what `mesh.list_services` answers; `listing` is what the caller may call."""
    own, organization = await vault.connected(caller)
    passthrough = await vault.takes_passthrough(caller)
    await load_tools(connector for name, connector in connectors.items() if name in own or name in organization)
    usable = Counter(tool.name.partition(".")[0] for tool in listing.tools)
    listed = []
    for name, connector in sorted(connectors.items()):
        if not caller.reaches(name):
            continue
        source = "user" if name in own else "organization" if name in organization else None
        entry: dict[str, Any] = {
            "service": name,
            "title": connector.title,
            "connected": source is not None,
            "credential": source,
        }
        if source is None:
            entry["how_to_connect"] = how_to_connect(connector, passthrough=passthrough)
        else:
            entry["tools"] = usable[name]
            entry["tools_not_allowed"] = len(connector.tools) - usable[name]
        listed.append(entry)
    return {"services": listed}
