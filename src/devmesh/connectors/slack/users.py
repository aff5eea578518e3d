"""Who there is in the workspace."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import Kinds, Team, User, UserId, joined
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.scopes import READ
from devmesh.upstream.model import Request, get

_Self = Annotated[UserId | None, Meta(description="ID of the user; omitted: the token's owner.")]


@CONNECTOR.tool(items="members", needs=("users:read",))
def list_users(team_id: Team = None) -> Request:
    """Return the workspace's users, bots and deleted ones among them: ID, name, title, time zone.

    With an e-mail address, lookup_user_by_email is faster.
    """
    return get("/users.list", team_id=team_id)


@CONNECTOR.tool(needs=("users:read",))
def get_user(
    user: User, include_locale: Annotated[bool | None, Meta(description="True: with the user's language.")] = None
) -> Request:
    """Return one user: names, title, time zone, whether it is a bot, a guest or deleted."""
    return get("/users.info", user=user, include_locale=include_locale)


@CONNECTOR.tool(needs=("users:read.email",))
def lookup_user_by_email(
    email: Annotated[str, Meta(min_length=3, max_length=254, description="Address that the user is registered with.")],
) -> Request:
    """Return the user who has this e-mail address in the workspace."""
    return get("/users.lookupByEmail", email=email)


@CONNECTOR.tool(needs=("users.profile:read",))
def get_user_profile(
    user: _Self = None,
    include_labels: Annotated[
        bool | None, Meta(description="True: name the custom fields; Slack allows this only seldom.")
    ] = None,
) -> Request:
    """Return a user's profile: status, contact data and the workspace's custom fields."""
    return get("/users.profile.get", user=user, include_labels=include_labels)


@CONNECTOR.tool(needs=("users:read",))
def get_user_presence(user: _Self = None) -> Request:
    """Return whether a user is active or away just now."""
    return get("/users.getPresence", user=user)


@CONNECTOR.tool(items="channels", needs=READ)
def list_user_channels(user: _Self = None, types: Kinds = None) -> Request:
    """Return the conversations that a user is in; of private ones those that the token's owner is in too."""
    return get("/users.conversations", user=user, types=joined(types))
