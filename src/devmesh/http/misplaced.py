"""Credentials where they do not belong: in an address they end in logs, in a cookie any page can send them."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from devmesh.errors import BadRequest, Unauthenticated
from devmesh.http.problem import KEY

_NAMES = frozenset(
    b"access_token api-key api_key apikey auth authorization bearer client_secret credential credentials id_token jwt "
    b"key passwd password refresh_token secret session_token token x-api-key x_api_key".split()
)


class CredentialInQuery(BadRequest):
    """A credential stands in the address; it may be in logs already and should be replaced."""

    code = "credential_in_query"
    hint = "Send it as 'Authorization: Bearer ...'. What stood in an address may be in logs: replace it by a new one."


class CredentialInCookie(Unauthenticated):
    """An API key stands in a cookie; cookies never authenticate here."""

    code = "credential_in_cookie"


def refuse_in_query(query: bytes) -> None:
    """Return if no parameter has a credential's name or holds an API key; otherwise raise CredentialInQuery."""
    for parameter in query.replace(b"+", b" ").split(b"&"):
        name = unquote_to_bytes(parameter.partition(b"=")[0]).strip().lower()
        if name in _NAMES:
            raise CredentialInQuery(f"The query parameter '{name.decode()}' is not read: send no credential there.")
    if KEY.search(unquote_to_bytes(query)):
        raise CredentialInQuery("A key or token stands in the query string.")


def refuse_in_cookie(cookie: bytes) -> None:
    """Return if the cookies hold no API key of ours; otherwise raise CredentialInCookie."""
    if KEY.search(cookie) or KEY.search(unquote_to_bytes(cookie)):
        raise CredentialInCookie("An API key stands in a cookie: send it as 'Authorization: Bearer ...'.")
