"""One call of a KMS: through the one sender, which lets this process connect to the host of the setting alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from devmesh.crypto.kms import KmsError
from devmesh.errors import MeshError
from devmesh.settings import AllowEntry
from devmesh.upstream.model import Reply, Request
from devmesh.upstream.send import Sender

_SECONDS = 5.0
_LARGEST = 65_536
_OK = 200
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_PORTS = {"http": 80, "https": 443}
_NOBODY = ""


class Calling:
    """Sends requests to one KMS; `endpoint` is its origin, `name` what errors call it."""

    def __init__(self, endpoint: str, name: str) -> None:
        parts = urlsplit(endpoint)
        self.endpoint = endpoint
        self.name = name
        # The operator named the host: a private address is meant.
        allowed = AllowEntry(None, parts.hostname, parts.port or _PORTS[parts.scheme], None)
        self._sender = Sender((allowed,))

    async def post(self, request: Request, headers: Mapping[str, str]) -> Any:
        """Return the JSON of the reply, asking twice where nobody answers, as that does no harm; raise KmsError."""
        try:
            reply = await self._once(request, headers)
        except MeshError:
            try:
                reply = await self._once(request, headers)
            except MeshError as error:
                raise KmsError(f"{self.name} cannot be reached: {error.detail}", passing=True) from None
        if reply.status != _OK:
            passing = reply.status in _BUSY
            raise KmsError(f"{self.name} answered {reply.status}: {_said(reply)}", passing=passing)
        return reply.json()

    def strange(self) -> KmsError:
        """Return the error of a reply that is none of a KMS."""
        return KmsError(f"{self.name} gave an answer that is none of its kind", passing=True)

    async def close(self) -> None:
        """End every connection."""
        await self._sender.close()

    async def _once(self, request: Request, headers: Mapping[str, str]) -> Reply:
        return await self._sender.send(
            request,
            base_url=self.endpoint,
            organization=_NOBODY,
            headers=headers,
            max_bytes=_LARGEST,
            timeout=_SECONDS,
        )


def _said(reply: Reply) -> str:
    """Return why the service refused, in its own words and short; AWS says a type, Vault a list of errors."""
    body = reply.json()
    if not isinstance(body, dict):
        return "no reason given"
    errors = body.get("errors")
    words = errors if isinstance(errors, list) else [body.get("__type"), body.get("message") or body.get("Message")]
    told = ": ".join(" ".join(word.split())[:200] for word in words if isinstance(word, str) and word)
    return told or "no reason given"
