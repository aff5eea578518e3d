"""Where Bitbucket's replies hold a credential: no wildcard opens these."""

from __future__ import annotations

import re

from devmesh.upstream.model import Request, Routes, canonical

# A runner's OAuth client, whose secret is told once: when the runner is made.
_RUNNERS = Routes(
    "POST /2.0/repositories/{workspace}/{repo_slug}/pipelines-config/runners",
    "POST /2.0/workspaces/{workspace}/pipelines-config/runners",
)
# Routes that Bitbucket adds: each write to something that is called so may answer with one.
_SECRET = re.compile("([a-z]+[-_])*(tokens?|passwords?|consumers?|credentials?)")
_WRITES = ("POST", "PUT", "PATCH")


def hands_out(request: Request) -> str | None:
    """Return the name of the operation if the reply to the request holds a credential, else None."""
    request = canonical(request)
    if _RUNNERS(request):
        return "create_runner"
    if request.method in _WRITES and any(_SECRET.fullmatch(part) for part in request.path.split("/")):
        return "create_token"
    return None
