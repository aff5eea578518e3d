"""AWS KMS, its requests signed by botocore: https://docs.aws.amazon.com/kms/latest/APIReference/."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from devmesh.crypto.kms import KmsError
from devmesh.kms.calling import Calling
from devmesh.settings import KmsUrl
from devmesh.upstream.model import Request

_KIND = "application/x-amz-json-1.1"
_CONTEXT = "devmesh"
# What botocore's ways to credentials raise beside its own errors: STS refuses the role, a token's file or a program is
# not there, what that says is no JSON, no object or no date, what it gives has expired already or is no text.
_NOT_HAD = (BotoCoreError, ClientError, OSError, ValueError, RuntimeError, AttributeError, TypeError)


class AwsKms:
    """One symmetric key of AWS KMS; the context is its encryption context, which also stands in CloudTrail.

    Credentials are found as AWS's own programs find them: environment, profile, container or instance role.
    """

    local = False

    def __init__(self, key: KmsUrl) -> None:
        self.name = str(key)
        self._key = key
        self._session = Session()
        self._calling = Calling(key.endpoint, f"AWS KMS ({key.place}, key {key.key})")

    def __repr__(self) -> str:
        return f"AwsKms({self.name})"

    async def wrap(self, key: bytes, context: str) -> bytes:
        """Return `key` as KMS encrypts it; raise KmsError."""
        return await self._ask("Encrypt", "CiphertextBlob", Plaintext=key, EncryptionContext={_CONTEXT: context})

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return what KMS had encrypted for that context, with this key and no other; raise KmsError."""
        return await self._ask("Decrypt", "Plaintext", CiphertextBlob=wrapped, EncryptionContext={_CONTEXT: context})

    async def close(self) -> None:
        """End every connection."""
        await self._calling.close()

    async def _ask(self, operation: str, wanted: str, **members: Any) -> bytes:
        body = msgspec.json.encode({"KeyId": self._key.key, **members})  # bytes travel in base64
        # In a thread: botocore may have to ask the machine's role for credentials, and waits for it.
        headers = await asyncio.to_thread(self._sign, operation, body)
        request = Request(method="POST", path="/", content=body, headers={"content-type": _KIND})
        answer = await self._calling.post(request, headers)
        found = answer.get(wanted) if isinstance(answer, dict) else None
        try:
            decoded = base64.b64decode(found, validate=True) if isinstance(found, str) else b""
        except ValueError:
            raise self._calling.strange() from None
        if not decoded:
            raise self._calling.strange()
        return decoded

    def _sign(self, operation: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": _KIND, "x-amz-target": f"TrentService.{operation}"}
        request = AWSRequest("POST", f"{self._calling.endpoint}/", headers=headers, data=body)
        try:
            signing = self._signing()
            if signing is not None:
                signing.add_auth(request)
        except _NOT_HAD as error:
            raise KmsError(f"{self._calling.name}: no AWS credentials ({_named(error)})", passing=True) from None
        if signing is None:
            raise KmsError(f"{self._calling.name}: no AWS credentials are found")
        signed = {name.lower(): str(value) for name, value in request.headers.items()}
        # The request says it itself.
        del signed["content-type"]
        return signed

    def _signing(self) -> SigV4Auth | None:
        """Return what signs with the credentials of now; None if there are none."""
        found = self._session.get_credentials()
        return None if found is None else SigV4Auth(found.get_frozen_credentials(), "kms", self._key.place)


def _named(error: Exception) -> str:
    """Return what went wrong in a word: AWS's own code where it refused the role (AccessDenied), else the kind."""
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
    return str(code or type(error).__name__)
