"""Which requests make the platform give out a credential."""

from __future__ import annotations

import re

from devmesh.upstream.model import Reply, Request, readings, without_member

# By the decoded path in lower case, wherever it stands: with and without /artifactory, and the pages' own API too.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_api_key", r"/api/security/apikey|/userapikey(/|$)"),
        ("get_encrypted_password", r"/encryptedpassword"),
        ("get_configuration", r"/api/system/configuration"),
        ("create_signed_url", r"/api/signed/url"),
        # Clients' settings of a package type, which hold the caller's password or a token.
        (
            "get_client_settings",
            r"/api/npm/(.*/)?auth(/|$)|/-/(user|v1/login)|/api_key(\.yaml)?(/|$)|/users/authenticate",
        ),
        # Behind those, for it takes any route to tokens: of Access, of old, of Docker, OpenID Connect and AWS.
        ("create_token", r"/(api|v2)/(.*/)?tokens?(/|$)"),
        # The pages' own API, which nobody describes: a user's profile there holds the key, too.
        ("call_pages", r"^(/artifactory)?/(ui|webapp)(/|$)"),
    )
)
# They tell of tokens, or revoke one, without showing any.
_TOLD = re.compile(r"/access/api/v1/tokens(/[^/]+)?")
# Administrators see there what logs in at the servers behind: encrypted, unless the server's encryption is off.
_CONFIGURED = re.compile(r"(/artifactory)?/api/(v2/)?(repositories|replications)/.")


def hands_out(request: Request) -> str | None:
    """Return the operation's name, or None for a request whose reply holds no credential."""
    spellings = [path.lower() for path in readings(request.path)]
    if request.method in ("GET", "HEAD", "DELETE") and all(map(_TOLD.fullmatch, spellings)):
        return None
    return next((name for name, pattern in _HANDED if any(map(pattern.search, spellings))), None)


def without_passwords(request: Request, reply: Reply) -> Reply:
    """Return the reply without the passwords with which repositories log in at the servers that they copy."""
    if any(_CONFIGURED.match(path.lower()) for path in readings(request.path)):
        return without_member(reply, "password")
    return reply
