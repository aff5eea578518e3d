"""botocore for the connector: imported at the first call, beside the event loop, and only if it is installed."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from functools import cache
from typing import Protocol, cast

from devmesh.connectors.aws.call import Call
from devmesh.errors import Unavailable
from devmesh.upstream.model import Reply, Request

_LACKING = "This server lacks what AWS's tools need: the extra devmesh[aws] is not installed."
_INSTALL = "Ask the operator to install it (pip install 'devmesh[aws]', or make install) and to restart the server."


class _Sdk(Protocol):
    def is_read(self, name: str) -> bool: ...
    def service(self, name: str) -> object: ...
    def complete(self, call: Call, fields: Mapping[str, str]) -> Call: ...
    def signature(self, call: Call, fields: Mapping[str, str], base_url: str) -> dict[str, str]: ...
    def translate(self, call: Call, reply: Reply) -> Reply: ...


async def ready(request: Request) -> None:
    """Have botocore and the service's models loaded; the event loop goes on meanwhile. Unavailable without botocore."""
    name = _call(request).service
    if not _sdk.cache_info().currsize or not _sdk().is_read(name):
        await asyncio.to_thread(lambda: _sdk().service(name))


def complete(request: Request, fields: Mapping[str, str]) -> Call:
    """Return the call as its HTTP request, with its origin."""
    return _sdk().complete(_call(request), fields)


def root(request: Request, _fields: Mapping[str, str]) -> str:
    """Return the origin of the complete call."""
    return _call(request).origin


def auth(request: Request, fields: Mapping[str, str], base_url: str) -> Mapping[str, str]:
    """Return the headers that sign the complete call."""
    return _sdk().signature(_call(request), fields, base_url)


def translate(request: Request, reply: Reply) -> Reply:
    """Return the reply to the complete call with a body of JSON."""
    return _sdk().translate(_call(request), reply)


def _call(request: Request) -> Call:
    """Return the request as what all of this connector's tools make."""
    return cast("Call", request)


@cache
def _sdk() -> _Sdk:
    try:
        return cast("_Sdk", importlib.import_module("devmesh.connectors.aws.sdk.operations"))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("devmesh"):
            raise
        raise Unavailable(_LACKING, hint=_INSTALL) from None
