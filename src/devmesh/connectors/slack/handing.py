"""The methods of Slack whose replies hold a credential."""

from __future__ import annotations

from devmesh.upstream.model import Request

# A websocket's address is one too: it holds the ticket that opens it.
_METHODS = {
    "apps.auth.external.get": "apps_auth_external_get",
    "apps.connections.open": "apps_connections_open",
    "apps.manifest.create": "apps_manifest_create",
    "oauth.access": "oauth_access",
    "oauth.token": "oauth_token",
    "oauth.v2.access": "oauth_v2_access",
    "oauth.v2.beginshorttokenrotation": "oauth_v2_begin_short_token_rotation",
    "oauth.v2.completeshorttokenrotation": "oauth_v2_complete_short_token_rotation",
    "oauth.v2.exchange": "oauth_v2_exchange",
    "oauth.v2.user.access": "oauth_v2_user_access",
    "openid.connect.token": "openid_connect_token",
    "rtm.connect": "rtm_connect",
    "rtm.start": "rtm_start",
    "tooling.tokens.rotate": "tooling_tokens_rotate",
}


def hands_out(request: Request) -> str | None:
    """Return the operation's name if the reply holds a credential: by GET or POST, in any spelling of its case."""
    return _METHODS.get(request.path.removeprefix("/").lower())
