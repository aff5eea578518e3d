"""Credentials of Atlassian's products: e-mail and API token of the cloud, or a personal access token of Data Center.

https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/ and
https://confluence.atlassian.com/enterprise/using-personal-access-tokens-1026032365.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devmesh.errors import Fault
from devmesh.upstream.model import Field, Request, basic, bearer, readings

FORMS = (("email", "api_token"), ("token",))
TOKEN_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"  # noqa: S105  an address

_pair, _alone = basic("email", "api_token"), bearer("token")
_SITE = re.compile(r"https://[^/]+\.atlassian\.net(:443)?(/|$)", re.IGNORECASE)
_GATEWAY = re.compile(r"https://api\.atlassian\.com(:443)?(/|$)", re.IGNORECASE)
# By the decoded path in lower case: routes of Data Center that give a token or a session, and the site's gateway to
# Atlassian's other services, whose replies nobody can foretell.
_HANDED = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("create_personal_access_token", r"/rest/pat/[^/]+/tokens"),
        ("create_session", r"/rest/auth/[^/]+/session"),
        ("create_oauth_token", r"/rest/oauth2/|/plugins/servlet/oauth/"),
        ("call_gateway", r"^/gateway/"),
    )
)


def fields(product: str, gateway: str, data_center: str) -> tuple[Field, ...]:
    """Return the fields of a credential; `gateway` is the product's name there, `data_center` its first version."""
    return (
        Field("email", "E-mail of the Atlassian account that the API token belongs to.", required=False),
        Field("api_token", f"API token of that account, from {TOKEN_PAGE}.", secret=True, required=False),
        Field(
            "token",
            f"Only for {product} Data Center ({data_center} or later): a personal access token, without email. Of the "
            "cloud an OAuth access token, with the gateway's base_url.",
            secret=True,
            required=False,
        ),
        Field(
            "base_url",
            "https://YOUR-SITE.atlassian.net; for a token with scopes "
            f"https://api.atlassian.com/ex/{gateway}/CLOUD_ID, where CLOUD_ID is the cloudId that "
            "https://YOUR-SITE.atlassian.net/_edge/tenant_info shows.",
            metadata=True,
        ),
    )


def headers(request: Request, credential: Mapping[str, str], base_url: str) -> Mapping[str, str]:
    """Return the header for the credential's form."""
    return (_alone if "token" in credential else _pair)(request, credential, base_url)


def faults(credential: Mapping[str, str]) -> Iterator[Fault]:
    """Yield that the token is of another kind than a site of the cloud takes."""
    if "token" in credential and _SITE.match(credential.get("base_url", "")):
        fault = "is for Data Center, or with the gateway's base_url: a site of the cloud takes email and api_token"
        yield Fault("token", fault)


def is_data_center(credential: Mapping[str, str]) -> bool:
    """Whether the credential, its `base_url` among the fields, is one of Data Center: the gateway is the cloud's."""
    return "token" in credential and not _GATEWAY.match(credential.get("base_url", ""))


def hands_out(request: Request) -> str | None:
    """Return the name of the operation whose reply may hold a credential, None for any other request."""
    spellings = [path.lower() for path in readings(request.path)]
    return next((name for name, pattern in _HANDED if any(map(pattern.search, spellings))), None)
