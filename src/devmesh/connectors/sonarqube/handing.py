"""Which requests make SonarQube give out a token."""

from __future__ import annotations

import re

from devmesh.upstream.model import Request, readings

# By the decoded path in lower case; an operation may carry a suffix (`.protobuf`), and the server a context path.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_user_token", r"/api/user_tokens/generate\b"),
        ("get_project_badge_token", r"/api/project_badges/(renew_)?token\b"),
        ("create_token", r"/api/v2/(.*[/-])?tokens?(/|$)"),
    )
)


def hands_out(request: Request) -> str | None:
    """Return the operation's name, or None for a request whose reply holds no credential."""
    spellings = [path.lower() for path in readings(request.path)]
    return next((name for name, pattern in _HANDED if any(map(pattern.search, spellings))), None)
