"""Whether a Confluence credential is good, from the reply to `GET /user/current`, which visitors get, too."""

from __future__ import annotations

from http import HTTPStatus

from devmesh.connectors.atlassian.refusals import Explain
from devmesh.connectors.atlassian.standing import judge as judge_profile
from devmesh.upstream.model import Reply, Verdict

explain = Explain("Confluence", "confluence")


def judge(reply: Reply) -> Verdict:
    """Return valid for a known account alone: a site that is open to visitors answers 200 to any credential."""
    profile = reply.json()
    if reply.status == HTTPStatus.OK and isinstance(profile, dict) and profile.get("type") == "anonymous":
        return Verdict("invalid", explain.refused(reply))
    return judge_profile(explain, reply, _known)


def _known(profile: dict[str, object]) -> bool:
    named = any(isinstance(profile.get(name), str) and profile[name] for name in ("accountId", "username"))
    return profile.get("type") == "known" and named
