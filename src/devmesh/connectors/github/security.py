"""Alerts on code, dependencies and leaked secrets."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Owner, Repo, Text, joined
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import READS_ALERTS
from devmesh.upstream.model import Request, get, url


@CONNECTOR.tool(items="", needs=READS_ALERTS)
def list_code_scanning_alerts(
    owner: Owner,
    repo: Repo,
    state: Annotated[
        Literal["open", "dismissed", "fixed"] | None, Meta(description="Only alerts in this state.")
    ] = None,
    tool_name: Annotated[Text | None, Meta(description="Only alerts of this tool, such as CodeQL.")] = None,
    ref: Annotated[Text | None, Meta(description="Branch, or refs/pull/NUMBER/merge; omitted: default branch.")] = None,
) -> Request:
    """Return code scanning alerts: rule, severity, state, place in the code."""
    route = url("/repos/{owner}/{repo}/code-scanning/alerts", owner=owner, repo=repo)
    return get(route, state=state, tool_name=tool_name, ref=ref)


@CONNECTOR.tool(items="", needs=READS_ALERTS)
def list_dependabot_alerts(
    owner: Owner,
    repo: Repo,
    state: Annotated[
        Annotated[list[Literal["auto_dismissed", "dismissed", "fixed", "open"]], Meta(min_length=1)] | None,
        Meta(description="Only alerts in one of these states."),
    ] = None,
    severity: Annotated[
        Annotated[list[Literal["low", "medium", "high", "critical"]], Meta(min_length=1)] | None,
        Meta(description="Only alerts of one of these severities."),
    ] = None,
) -> Request:
    """Return Dependabot alerts: vulnerable package, advisory, severity, first patched version."""
    route = url("/repos/{owner}/{repo}/dependabot/alerts", owner=owner, repo=repo)
    return get(route, state=joined(state), severity=joined(severity))


@CONNECTOR.tool(items="", needs=READS_ALERTS)
def list_secret_scanning_alerts(
    owner: Owner,
    repo: Repo,
    state: Annotated[Literal["open", "resolved"] | None, Meta(description="Only alerts in this state.")] = None,
    secret_type: Annotated[
        Annotated[list[Text], Meta(min_length=1, max_length=50)] | None,
        Meta(description="Only secrets of these types, such as github_personal_access_token."),
    ] = None,
) -> Request:
    """Return alerts on secrets found in the code: type, state, validity, address; never the secret itself."""
    route = url("/repos/{owner}/{repo}/secret-scanning/alerts", owner=owner, repo=repo)
    # Otherwise each alert holds the secret in clear, which no agent needs.
    return get(route, state=state, secret_type=joined(secret_type), hide_secret=True)
