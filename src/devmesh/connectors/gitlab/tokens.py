"""GitLab's kinds of token, told apart by their form, and the routes that tell of each.

https://docs.gitlab.com/security/tokens/ and https://docs.gitlab.com/api/rest/authentication/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from devmesh.upstream.model import Request, get

# As GitLab's OAuth provider makes them; no token of another kind is as long and without a prefix.
_OAUTH = re.compile("[0-9a-f]{64}")
_JOB = "glcbt-"


def headers(_request: Request, fields: Mapping[str, str], _base_url: str) -> Mapping[str, str]:
    """Return the header for a token of its kind; a personal, project or group token may have any prefix."""
    token = fields["token"]
    if _OAUTH.fullmatch(token):
        return {"authorization": f"Bearer {token}"}
    if token.startswith(_JOB):
        return {"job-token": token}
    return {"private-token": token}


def probe(fields: Mapping[str, str]) -> Request:
    """Return the read that tells of such a token; unlike `/user`, it needs no scope and tells which there are."""
    token = fields["token"]
    if _OAUTH.fullmatch(token):
        return get("/oauth/token/info")
    if token.startswith(_JOB):
        return get("/api/v4/job")
    return get("/api/v4/personal_access_tokens/self")
