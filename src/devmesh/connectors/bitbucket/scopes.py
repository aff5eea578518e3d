"""The scopes of Bitbucket's tokens, of which a tool needs one: as access tokens name them, and as API tokens do.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

READS_ACCOUNT = ("account", "read:user:bitbucket")
READS_WORKSPACES = ("account", "read:workspace:bitbucket")
READS_PROJECTS = ("project", "read:project:bitbucket")
READS_CODE = ("repository", "read:repository:bitbucket")
WRITES_CODE = ("repository:write", "write:repository:bitbucket")
ADMINISTERS = ("repository:admin", "admin:repository:bitbucket")
DELETES = ("repository:delete", "delete:repository:bitbucket")
# Comments and tasks, too: who may read a pull request may talk about it.
READS_PULLS = ("pullrequest", "read:pullrequest:bitbucket")
WRITES_PULLS = ("pullrequest:write", "write:pullrequest:bitbucket")
READS_PIPELINES = ("pipeline", "read:pipeline:bitbucket")
RUNS_PIPELINES = ("pipeline", "write:pipeline:bitbucket")
STOPS_PIPELINES = ("pipeline:write", "write:pipeline:bitbucket")
READS_WEBHOOKS = ("webhook", "read:webhook:bitbucket")

# Those of API tokens imply no other: write:repository:bitbucket does not read.
_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "project": ("repository",),
    "repository:write": ("repository",),
    "pullrequest": ("repository",),
    "pullrequest:write": ("pullrequest", "repository:write", "repository"),
    "account:write": ("account",),
    "pipeline:write": ("pipeline",),
    "pipeline:variable": ("pipeline", "pipeline:write"),
}


def implies(granted: Collection[str], needed: str) -> bool:
    """Return whether one of the granted scopes is the needed one, or grants it as well."""
    return needed in granted or any(needed in _IMPLIED.get(scope, ()) for scope in granted)
