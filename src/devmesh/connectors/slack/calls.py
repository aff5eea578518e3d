"""How a call of the Web API that writes is sent: https://docs.slack.dev/apis/web-api/#post_bodies."""

from __future__ import annotations

from devmesh.upstream.model import Request, given

# Without the charset Slack warns in every reply.
_JSON = {"content-type": "application/json; charset=utf-8"}


def post(method: str, /, **arguments: object) -> Request:
    """Return the POST of the method with the arguments that are not None, as JSON."""
    return Request(method="POST", path=f"/{method}", json=given(**arguments), headers=_JSON)
