"""Which requests make SonarQube give out a token."""

from __future__ import annotations

import re

from devmesh.upstream.model import Reply, Request, readings, without_member

# By the decoded path in lower case; an operation may carry a suffix (`.protobuf`), and the server a context path.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_user_token", r"/api/user_tokens/generate\b"),
        ("get_project_badge_token", r"/api/project_badges/(renew_)?token\b"),
        ("create_token", r"/api/v2/(.*[/-])?tokens?(/|$)"),
    )
)
# Servers before 10.1 show what the deliveries are signed with, later ones only whether there is anything.
_WEBHOOKS = re.compile("/api/webhooks/")


def hands_out(request: Request) -> str | None:
    """Return the operation's name, or None for a request whose reply holds no credential."""
    spellings = [path.lower() for path in readings(request.path)]
    return next((name for name, pattern in _HANDED if any(map(pattern.search, spellings))), None)


def without_signing_secrets(request: Request, reply: Reply) -> Reply:
    """Return the reply without the secrets of webhooks."""
    if any(_WEBHOOKS.search(path.lower()) for path in readings(request.path)):
        return without_member(reply, "secret")
    return reply
