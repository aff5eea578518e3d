"""The scopes of classic tokens, of which a tool needs one; what is public is read with none.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps. Of fine-grained tokens GitHub tells
nothing.
"""

from __future__ import annotations

from collections.abc import Collection

# For public repositories; private ones ask for `repo`, which includes it.
WRITES = ("public_repo",)
DELETES_REPOSITORIES = ("delete_repo",)
READS_NOTIFICATIONS = ("notifications", "repo")
READS_ALERTS = ("security_events", "public_repo")

_OF_REPO = frozenset({"public_repo", "security_events"})


def implies(granted: Collection[str], needed: str) -> bool:
    """Return whether one of the granted scopes is the needed one, or includes it."""
    return needed in granted or (needed in _OF_REPO and "repo" in granted)
