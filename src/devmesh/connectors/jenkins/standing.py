"""Whether Jenkins takes a user's token, from the reply to `GET /whoAmI/api/json`, which anybody may read."""

from __future__ import annotations

from http import HTTPStatus

from devmesh.upstream.model import Identity, Reply, Verdict, bounded


def judge(reply: Reply) -> Verdict:
    """Return valid only for a named user; Jenkins knows no scopes, and its tokens do not say when they end."""
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict("invalid", "Jenkins does not accept the user name with this API token.")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"Jenkins (or what stands before it) answered {reply.status}. Validate later.")
    return Verdict(
        "unknown",
        f"The server answered {reply.status}, not as Jenkins does: check base_url and its context path, and whether "
        "a login page stands before it.",
    )


def _known(reply: Reply) -> Verdict:
    who = reply.json()
    name = who.get("name") if isinstance(who, dict) else None
    if not isinstance(who, dict) or not isinstance(name, str) or not name:
        return Verdict("unknown", "The server answered, but not as Jenkins does: check base_url and its context path.")
    if who.get("anonymous") is True or name == "anonymous":
        return Verdict(
            "invalid",
            "Jenkins sees nobody behind the request: it does not take the user name with this API token, or a proxy "
            "before it removes them.",
        )
    if who.get("authenticated") is True and who.get("anonymous") is False:
        return Verdict("valid", f"The token belongs to {bounded(name, 100)}.", Identity(name))
    return Verdict("unknown", "Jenkins did not say whether it knows the user.")
