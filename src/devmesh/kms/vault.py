"""Vault's transit engine: https://developer.hashicorp.com/vault/api-docs/secret/transit."""

from __future__ import annotations

import base64
from pathlib import Path

from devmesh.crypto.kms import KmsError
from devmesh.kms.calling import Calling
from devmesh.settings import KmsUrl
from devmesh.upstream.model import Request, send, url


class VaultTransit:
    """One key of the transit engine, of an AEAD type: the context travels as associated data.

    `token` is the token itself, or the file that holds it, which is read at each call: an agent may renew it.
    """

    local = False

    def __init__(self, key: KmsUrl, token: str | Path | None) -> None:
        self.name = str(key)
        self._key = key
        self._token = token
        self._calling = Calling(key.endpoint, f"Vault ({key.endpoint}, key {key.place}/{key.key})")

    def __repr__(self) -> str:
        return f"VaultTransit({self.name})"

    async def wrap(self, key: bytes, context: str) -> bytes:
        """Return `key` as the transit key encrypts it; raise KmsError."""
        answer = await self._ask("encrypt", {"plaintext": _base64(key), "associated_data": _base64(context.encode())})
        return answer["ciphertext"].encode()

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return what the transit key had encrypted for that context; raise KmsError."""
        asked = {"ciphertext": wrapped.decode("latin-1"), "associated_data": _base64(context.encode())}
        answer = await self._ask("decrypt", asked)
        try:
            return base64.b64decode(answer["plaintext"], validate=True)
        except ValueError:
            raise self._calling.strange() from None

    async def close(self) -> None:
        """End every connection."""
        await self._calling.close()

    async def _ask(self, what: str, body: dict[str, str]) -> dict[str, str]:
        """Return `data` of the reply, which holds the member that was asked for."""
        path = url("/v1/{+mount}/{what}/{key}", mount=self._key.place, what=what, key=self._key.key)
        request: Request = send("POST", path, body)
        headers = {"x-vault-token": self._read_token(), "x-vault-request": "true"}
        if self._key.namespace:
            headers["x-vault-namespace"] = self._key.namespace
        answer = await self._calling.post(request, headers)
        data = answer.get("data") if isinstance(answer, dict) else None
        wanted = "ciphertext" if what == "encrypt" else "plaintext"
        if not isinstance(data, dict) or not isinstance(data.get(wanted), str):
            raise self._calling.strange()
        return data

    def _read_token(self) -> str:
        if not isinstance(self._token, Path):
            return self._token or ""
        try:
            return self._token.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise KmsError(f"the file {self._token} of Vault's token cannot be read", passing=True) from None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
