"""Who watches an issue."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jira.arguments import AccountId, IssueKey
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, send, url

_WATCHERS = "/rest/api/3/issue/{issue_id_or_key}/watchers"

Watcher = Annotated[AccountId, Meta(description="Account id of the watcher, from search_users.")]


@CONNECTOR.tool()
def list_watchers(issue_id_or_key: IssueKey) -> Request:
    """Return who watches an issue, how many, and whether the credential's owner does."""
    return get(url(_WATCHERS, issue_id_or_key=issue_id_or_key))


@CONNECTOR.tool(writes=True, idempotent=True)
def add_watcher(issue_id_or_key: IssueKey, account_id: Watcher) -> Request:
    """Have an account watch an issue: it is mailed what happens there."""
    return send("POST", url(_WATCHERS, issue_id_or_key=issue_id_or_key), account_id)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def remove_watcher(issue_id_or_key: IssueKey, account_id: Watcher) -> Request:
    """Have an account watch an issue no more; it returns nothing."""
    return send("DELETE", url(_WATCHERS, issue_id_or_key=issue_id_or_key), None, accountId=account_id)
