"""A credential's secrets, taken out of what a service sends back, however they are spelled there."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote, quote_plus

import msgspec
from msgspec import structs

from devmesh.upstream.connector import Connector
from devmesh.upstream.wire import Reply

_MASK = "[secret removed]"
# Shorter values occur by chance, and no service issues secrets that short.
_SHORTEST_SECRET = 8
# What is written alike in JSON, addresses and HTML.
_PLAIN = re.compile("[A-Za-z0-9._~-]+")
_SUCCESS = range(200, 300)


def secrets_of(connector: Connector, fields: Mapping[str, str], signed: Mapping[str, str]) -> set[str]:
    """Return what no reply must show: the secret fields, and the credential as the headers spelled it."""
    secrets = {value.rpartition(" ")[2] for value in signed.values()}
    for field in connector.fields:
        if field.secret and field.name in fields:
            secrets.add(fields[field.name])
    return {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}


def masked(reply: Reply, secrets: Collection[str]) -> Reply:
    """Return the reply without any of the secrets, should the service echo one; of a refusal the headers, too."""
    body = reply.body
    if _could_hide(body, secrets) and reply.is_json:
        body = _plain(reply)
    headers = reply.headers
    for secret in secrets:
        for spelling in _spellings(secret):
            # From the end: that takes Python half of the time.
            if body.rfind(spelling.encode()) >= 0:
                body = body.replace(spelling.encode(), _MASK.encode())
            if reply.status not in _SUCCESS and any(spelling in value for value in headers.values()):
                headers = {name: value.replace(spelling, _MASK) for name, value in headers.items()}
    if body is reply.body and headers is reply.headers:
        return reply
    return structs.replace(reply, headers=headers, body=body)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the secret as it is, and as JSON, addresses, forms and HTML write it; the longest first."""
    if _PLAIN.fullmatch(secret):
        yield secret
        return
    in_json = msgspec.json.encode(secret)[1:-1].decode()
    spellings = {secret, in_json, html.escape(secret), quote(secret), quote(secret, safe=""), quote_plus(secret)}
    yield from sorted(spellings, key=len, reverse=True)


def _could_hide(body: bytes, secrets: Collection[str]) -> bool:
    """Return whether the body has one of JSON's optional escapes that a character of a secret could stand behind."""
    first = body.find(b"\\")
    if first < 0:
        return False
    # Only a few values are texts with escapes, so they lie close together: one byte is far sooner found than four.
    end = body.rfind(b"\\") + len(b"\\u00")
    if body.rfind(b"\\u00", first, end) >= 0:
        return True
    return any("/" in secret for secret in secrets) and body.rfind(b"\\/", first, end) >= 0


def _plain(reply: Reply) -> bytes:
    """Return the body with JSON's optional escapes undone; what is no JSON stays as it is."""
    value = reply.json()
    return reply.body if value is None else msgspec.json.encode(value)
