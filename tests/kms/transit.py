"""A stand-in for Vault on loopback: its transit engine's encrypt and decrypt, with what Vault checks, recorded."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Transit:
    """One key of type aes256-gcm96 at `transit/devmesh`: https://developer.hashicorp.com/vault/api-docs/secret/transit."""

    def __init__(self, token: str = "hvs.a-token-of-some-length", namespace: str = "") -> None:
        self.token = token
        self.namespace = namespace
        self.enabled = True
        self.received: list[tuple[str, str, dict[str, str], Any]] = []
        self._cipher = AESGCM(os.urandom(32))

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"vault+http://127.0.0.1:{self.port}/transit/devmesh"

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((request.method, request.path, headers, body))
        operation = {"/v1/transit/encrypt/devmesh": self._encrypt, "/v1/transit/decrypt/devmesh": self._decrypt}
        known = request.method == "POST" and request.path in operation
        if not known or headers.get("x-vault-namespace", "") != self.namespace:
            return _refusal(404, "no handler for route")
        if headers.get("x-vault-token") != self.token:
            return _refusal(403, "permission denied")
        return self._do(operation[request.path], body)

    def _do(self, operation: Callable[[dict[str, str]], dict[str, Any]], body: dict[str, str]) -> web.Response:
        if not self.enabled:
            return _refusal(400, "encryption key not found")
        try:
            return web.json_response({"data": operation(body)})
        except (binascii.Error, KeyError, ValueError):
            return _refusal(400, "failed to base64-decode")
        except InvalidTag:
            return _refusal(400, "invalid ciphertext: unable to decrypt")

    def _encrypt(self, body: dict[str, str]) -> dict[str, Any]:
        nonce = os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, _decoded(body["plaintext"]), _decoded(body["associated_data"]))
        return {"ciphertext": f"vault:v1:{base64.b64encode(sealed).decode()}", "key_version": 1}

    def _decrypt(self, body: dict[str, str]) -> dict[str, Any]:
        sealed = _decoded(body["ciphertext"].removeprefix("vault:v1:"))
        plain = self._cipher.decrypt(sealed[:12], sealed[12:], _decoded(body["associated_data"]))
        return {"plaintext": base64.b64encode(plain).decode()}


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _refusal(status: int, why: str) -> web.Response:
    return web.json_response({"errors": [why]}, status=status)
