"""How Snyk's two interfaces are called: REST, versioned by date and with JSON:API bodies, and v1.

https://docs.snyk.io/snyk-api/rest-api/about-the-rest-api
"""

from __future__ import annotations

from typing import Any

from devmesh.upstream.model import Method, Request, given

# Each operation is served as it was at this date; what is beta has to be asked for as such.
VERSION = "2025-11-05"
BETA = f"{VERSION}~beta"
_JSON_API = {"content-type": "application/vnd.api+json"}
_JSON = {"accept": "application/json"}


def rest(path: str, /, *, version: str = VERSION, **query: object) -> Request:
    """Return the GET of the REST path with the query arguments that are not None."""
    return Request(method="GET", path=f"/rest{path}", query={"version": version, **given(**query)})


def send_rest(method: Method, path: str, data: Any = None, /, *, version: str = VERSION) -> Request:
    """Return the REST request whose JSON:API document holds `data` (None: without a body)."""
    document, headers = (None, {}) if data is None else ({"data": data}, _JSON_API)
    return Request(method=method, path=f"/rest{path}", query={"version": version}, json=document, headers=headers)


def v1(method: Method, path: str, json: Any = None, /, **query: object) -> Request:
    """Return the request of the v1 path, with a JSON body if one is given."""
    return Request(method=method, path=f"/v1{path}", query=given(**query), json=json, headers=_JSON)
