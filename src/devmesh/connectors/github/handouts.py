"""Where GitHub's replies hold a credential: no wildcard opens these.

https://docs.github.com/rest/apps, https://docs.github.com/rest/actions/self-hosted-runners,
https://docs.github.com/rest/secret-scanning
"""

from __future__ import annotations

import re

from msgspec import structs

from devmesh.upstream.model import Reply, Request, respelled

# By the end of the path: what a repository has, an organization and an enterprise have too.
_ROUTES = {
    "create_runner_token": re.compile("post .*/actions/runners/(?:(?:registration|remove)-token|generate-jitconfig)"),
    "create_installation_token": re.compile("post .*/app/installations/[^/]+/access_tokens"),
    "create_app_token": re.compile("(?:post|patch) .*/applications/[^/]+/token(?:/scoped)?"),
    "create_app": re.compile("post .*/app-manifests/[^/]+/conversions"),
    # On a server of one's own, in another person's name.
    "create_impersonation_token": re.compile("post .*/admin/users/[^/]+/authorizations"),
    "create_authorization": re.compile("(?:post|put|patch) .*/authorizations(?:/.*)?"),
}
_GRAPHQL = re.compile("post (?:.*/)?graphql")
# What a query names to be answered with a token that clones, or with codes that log in; names take no escapes there.
_QUERIED = re.compile("tempclonetoken|recoverycodes")
_ALERTS = re.compile("(?:get|head|patch) .*/secret-scanning/alerts(?:/[^/]+)?")
# What clones a private repository, or fetches a runner, for some minutes: amid what is read for other things.
_TEMPORARY = re.compile(rb'("temp_(?:clone|download)_token"\s*:\s*)"[^"\\]*"')


def without_temporary_tokens(_request: Request, reply: Reply) -> Reply:
    """Return the reply with null for the tokens that GitHub puts into descriptions of repositories and runners."""
    # From the end: that takes Python two thirds of the time.
    if reply.body.rfind(b'"temp_') < 0 or not reply.is_json:
        return reply
    return structs.replace(reply, body=_TEMPORARY.sub(rb"\1null", reply.body))


def hands_out(request: Request) -> str | None:
    """Return the name of the operation if the reply to the request holds a credential, else None."""
    spellings = [f"{one.method} {one.path}".lower() for one in respelled(request)]
    for operation, route in _ROUTES.items():
        if any(map(route.fullmatch, spellings)):
            return operation
    if any(map(_GRAPHQL.fullmatch, spellings)) and _QUERIED.search(str(request.json).lower()):
        return "query_credential"
    # The secrets that were found stand in the reply, unless it is asked to hide them (which only a GET can).
    hidden = request.method != "PATCH" and str(request.query.get("hide_secret")).lower() == "true"
    return "read_leaked_secret" if not hidden and any(map(_ALERTS.fullmatch, spellings)) else None
