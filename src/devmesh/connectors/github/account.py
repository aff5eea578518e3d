"""The token's owner, and what waits for that person."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.github.arguments import Since, moment
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import READS_NOTIFICATIONS
from devmesh.upstream.model import Request, get

# GitHub's largest page of notifications.
_NOTIFICATIONS = 50


@CONNECTOR.tool()
def get_authenticated_user() -> Request:
    """Return the profile of the person whose token is used: login, name, e-mail, plan.

    Use it to learn who "I" or "my" is.
    """
    return get("/user")


@CONNECTOR.tool(items="", max_limit=_NOTIFICATIONS, needs=READS_NOTIFICATIONS)
def list_notifications(
    all: Annotated[bool | None, Meta(description="Also those already read.")] = None,  # noqa: A002
    participating: Annotated[
        bool | None, Meta(description="Only threads that the person takes part in or is mentioned in.")
    ] = None,
    since: Since = None,
) -> Request:
    """Return the person's notification threads: reason, subject, repository, newest first."""
    return get("/notifications", all=all, participating=participating, since=moment(since))
