"""What an import answers: nothing but the address of its job, of which the id is what an agent needs."""

from __future__ import annotations

import re
from http import HTTPStatus

import msgspec
from msgspec import structs

from devmesh.upstream.model import Reply, Request

_IMPORT = re.compile("/v1/org/[^/]+/integrations/[^/]+/import")
_JOB = re.compile(r"/import/(?P<job_id>[0-9a-fA-F-]{36})(?:[?#]|$)")


def translate(request: Request, reply: Reply) -> Reply:
    """Return the reply to an import with `{"job_id": …}` from its `Location` as the body, any other as it is."""
    if reply.status != HTTPStatus.CREATED or request.method != "POST" or not _IMPORT.fullmatch(request.path):
        return reply
    found = _JOB.search(reply.headers.get("location", ""))
    if found is None:
        return reply
    headers = {**reply.headers, "content-type": "application/json"}
    return structs.replace(reply, headers=headers, body=msgspec.json.encode({"job_id": found["job_id"]}))
