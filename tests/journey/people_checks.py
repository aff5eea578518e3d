"""What can be asked of everything that was ever handed out, and what the model says the answer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from journey.people_model import Bearer, Invitation, Mailed, People, Session
from journey.people_world import Ask

# Requests that change nothing, each with the scope that it takes.
_PROBES = (
    ("GET", "/auth/profile", None, "profile:read"),
    ("PATCH", "/auth/profile", {}, "profile:write"),
    ("GET", "/users?limit=1", None, "users:read"),
    ("GET", "/auth/invitations?limit=1", None, "invitations:read"),
    ("PATCH", "/organization", {}, "organization:write"),
)
# Too weak for anybody: a token that is good stays so.
_WEAK = "weak"


class Expected(NamedTuple):
    """A request and the status of its reply; `of` is for whoever reads a failure."""

    of: object
    ask: Ask
    status: int


def expectations(people: People) -> list[Expected]:
    """Return what can be asked after every step: it uses nothing up."""
    tenants = sorted({tenant for org in people.orgs for tenant in org.tenants})
    found: list[Expected] = []
    for bearer in people.bearers:
        found += _of_bearer(bearer, tenants)
    for session in people.sessions:
        found += _of_session(session)
    for invitation in people.invitations:
        found += _of_invitation(invitation)
    for mailed in people.mailed:
        found += _of_mailed(mailed)
    return found


def last_uses(people: People) -> Iterator[Expected]:
    """Yield what uses things up, each as the model stands when it is asked for."""
    for session in people.sessions:
        if session.live:
            yield Expected(session, Ask("POST", "/auth/refresh", {"refresh_token": session.refresh}), 200)
    done = set()
    for mailed in people.mailed:
        if mailed.purpose == "verify" and mailed.live:
            status = 400 if mailed.person in done else 200
            done.add(mailed.person)
            yield Expected(mailed, Ask("POST", "/auth/email/verify", {"token": mailed.token}), status)


def _of_bearer(bearer: Bearer, tenants: list[str]) -> Iterator[Expected]:
    # The rights of an access token are its session's: those of the last one are looked at closely.
    closely = bearer.live and (bearer.session is None or bearer.token == bearer.session.access[-1])
    for method, path, body, scope in _PROBES if closely else _PROBES[:1]:
        yield Expected(bearer, Ask(method, path, body, bearer.token), bearer.refusal(scope) or 200)
    if not closely:
        return
    for tenant in tenants:
        may = bearer.person.may_act(tenant) if bearer.session else tenant == bearer.tenant
        yield Expected(bearer, Ask("GET", "/auth/profile", None, bearer.token, tenant), 200 if may else 403)


def _of_session(session: Session) -> Iterator[Expected]:
    # A spent token of a live session would end it: the machine replays those itself.
    for token in () if session.live else (session.refresh, *session.spent):
        yield Expected(session, Ask("POST", "/auth/refresh", {"refresh_token": token}), 401)


def _of_invitation(invitation: Invitation) -> Iterator[Expected]:
    for token in invitation.tokens:
        good = invitation.stands and token == invitation.tokens[-1]
        yield Expected(invitation, Ask("POST", "/auth/invitation/lookup", {"token": token}), 200 if good else 400)


def _of_mailed(mailed: Mailed) -> Iterator[Expected]:
    if mailed.purpose == "reset":
        ask = Ask("POST", "/auth/password/reset/confirm", {"token": mailed.token, "new_password": _WEAK})
        yield Expected(mailed, ask, 422 if mailed.live else 400)
    elif not mailed.live:
        yield Expected(mailed, Ask("POST", "/auth/email/verify", {"token": mailed.token}), 400)
