"""What Harness is: where it stands, what its credential is made of, how it pages, judges and refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import structs

from devmesh.connectors.harness.handing import hands_out, without_webhook_tokens
from devmesh.connectors.harness.paging import PagePaging
from devmesh.connectors.harness.refusals import explain
from devmesh.connectors.harness.standing import judge
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector, Field, Request, get

# `pat.ACCOUNT.ID.SECRET` of a person, `sat.…` of a service account.
_TOKEN = re.compile(r"(?:pat|sat)\.(?P<account>[^.]+)\.[^.]+\.[^.]+")


def _complete(request: Request, fields: Mapping[str, str]) -> Request:
    """Return the request with the account, which nearly every operation wants in its query and v1 in a header.

    Raises Invalid for an account that is not the token's: Harness would answer with an error that does not say so.
    """
    account = fields["account_id"]
    token = _TOKEN.fullmatch(fields["token"])
    if token is not None and token["account"] != account:
        fault = "is not the token's account: the second part of the token names it (pat.ACCOUNT.…)"
        raise Invalid([Fault("account_id", fault)])
    query = {**request.query, "accountIdentifier": account}
    return structs.replace(request, query=query, headers={**request.headers, "harness-account": account})


def _probe(fields: Mapping[str, str]) -> Request:
    """Return the read of the token's user; of the account for a service account, which is no user."""
    if fields["token"].startswith("sat."):
        return get(f"/ng/api/accounts/{quote(fields['account_id'], safe='')}")
    return get("/ng/api/user/currentUser")


CONNECTOR = Connector(
    name="harness",
    title="Harness",
    base_url="https://app.harness.io",
    fields=(
        Field("token", "Token of a person (pat.…) or of a service account (sat.…).", secret=True),
        Field("account_id", "Id of the account, the second part of the token; it stands in each address of Harness."),
        Field(
            "base_url",
            "Only for a Harness of your own or an address of your company: https://HOST.",
            metadata=True,
            required=False,
        ),
    ),
    # The account's header is no secret and comes with the request: see `_complete`.
    auth=lambda _request, fields, _base_url: {"x-api-key": fields["token"]},
    probe=_probe,
    judge=judge,
    explain=explain,
    paging=PagePaging(),
    headers={"accept": "application/json"},
    complete=_complete,
    translate=without_webhook_tokens,
    hands_out=hands_out,
    tools_in=__package__,
    token_page="https://app.harness.io/ng/account/home/profile",  # noqa: S106  an address
)
