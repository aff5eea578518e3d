"""Where Bitbucket's replies hold a credential: no wildcard opens these."""

from __future__ import annotations

import re

from devmesh.upstream.model import Request, Routes, respelled

# A runner's OAuth client, whose secret is told once: when the runner is made.
_RUNNERS = Routes(
    *(
        f"POST /2.0/{owner}/{config}/runners"
        for owner in ("repositories/{workspace}/{repo_slug}", "workspaces/{workspace}")
        # Bitbucket writes the routes beside it both ways.
        for config in ("pipelines-config", "pipelines_config")
    )
)
# Routes that Bitbucket adds: each write to something that is called so may answer with one.
_SECRET = re.compile("([a-z]+[-_])*(tokens?|passwords?|consumers?|credentials?)")
_WRITES = ("POST", "PUT", "PATCH")


def hands_out(request: Request) -> str | None:
    """Return the name of the operation if the reply to the request holds a credential, else None."""
    spellings = respelled(request)
    if any(map(_RUNNERS, spellings)):
        return "create_runner"
    parts = {part for one in spellings for part in one.path.split("/")}
    return "create_token" if request.method in _WRITES and any(map(_SECRET.fullmatch, parts)) else None
