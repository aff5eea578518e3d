"""Whether a Jira credential is good, from the reply to `GET /myself`, which Jira gives to no visitor."""

from __future__ import annotations

from devmesh.connectors.atlassian.refusals import Explain
from devmesh.connectors.atlassian.standing import judge as judge_profile
from devmesh.upstream.model import Reply, Verdict

explain = Explain("Jira", "jira")


def judge(reply: Reply) -> Verdict:
    """Return valid for a profile with an id, or (Data Center) with a name."""
    return judge_profile(explain, reply, _account)


def _account(profile: dict[str, object]) -> bool:
    return any(isinstance(profile.get(name), str) and profile[name] for name in ("accountId", "name"))
