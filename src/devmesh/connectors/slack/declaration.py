"""What Slack is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from devmesh.connectors.slack.handing import hands_out
from devmesh.connectors.slack.paging import CursorPaging
from devmesh.connectors.slack.refusals import explain, failed
from devmesh.connectors.slack.standing import judge
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector, Field, Request, bearer, get

# Classic scopes that stand for many others, which Slack does not tell.
_UMBRELLAS = frozenset({"bot", "client"})
_BROWSER = ("xoxc-", "xoxd-")


def _faults(fields: Mapping[str, str]) -> Iterator[Fault]:
    """Yield that the token is good only beside its browser's cookie, if it is."""
    if fields["token"].strip().startswith(_BROWSER):
        fault = "is of a browser's session: take a bot token (xoxb-) or a user token (xoxp-) of a Slack app"
        yield Fault("token", fault)


def _complete(request: Request, fields: Mapping[str, str]) -> Request:
    """Return the request as it is; raise Invalid for a token that was passed with a call and is none for it."""
    if faults := list(_faults(fields)):
        raise Invalid(faults)
    return request


def _implies(granted: Collection[str], needed: str) -> bool:
    return needed in granted or not _UMBRELLAS.isdisjoint(granted)


CONNECTOR = Connector(
    name="slack",
    title="Slack",
    base_url="https://slack.com/api",
    fields=(
        Field("token", "Bot token (xoxb-) or user token (xoxp-) of a Slack app; not a browser's (xoxc-).", secret=True),
        Field("base_url", "Only for GovSlack: https://slack-gov.com/api.", metadata=True, required=False),
    ),
    auth=bearer("token"),
    probe=get("/auth.test"),
    judge=judge,
    explain=explain,
    paging=CursorPaging(),
    headers={"accept": "application/json"},
    failed=failed,
    complete=_complete,
    faults=_faults,
    implies=_implies,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://api.slack.com/apps",  # noqa: S106  an address
)
