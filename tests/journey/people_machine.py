"""The machine: what people do to accounts in any order, by whatever was ever handed out, and what they must be told."""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from journey.people_checks import expectations, last_uses
from journey.people_model import ROLES, Bearer, Invitation, Mailed, Org, People, Person, Session
from journey.people_world import Letter, Reply, World

T = TypeVar("T")
_MAX_USERS, _MAILS_AN_HOUR = 5, 5
_NAMES = ("ada", "bo", "cy", "di", "ed", "flo", "gus")
# How far the scopes of a key go that is made without naming any.
KINDS = {"user": "write", "admin": "admin", "agent": "write"}


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Machine(RuleBasedStateMachine):
    """Each rule says what the model expects, does it over HTTP, and then lets the model follow."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.people = People()
        self.mails: Counter[tuple[str, str]] = Counter()
        self.changed = False
        self.place = f"{secrets.token_hex(5)}.example"

    # What a step is made of

    def ask(self, expected: int | None, *ask: Any, **more: Any) -> Reply:
        """Send a request; `expected` is the refusal, None for success."""
        reply = self.world.ask(*ask, **more)
        assert reply.status == expected if expected else reply.status < 300, (expected, ask, reply)
        self.changed = self.changed or not expected
        return reply

    def read_mails(self, purpose: str, email: str, expected: int) -> list[Letter]:
        """Take the letters that have come: as many as were to be sent, as long as the address may have more."""
        letters = [letter for letter in self.world.letters() if letter.to.endswith(self.place)]
        most = max(0, _MAILS_AN_HOUR - self.mails[email, purpose])
        assert Counter((one.purpose, one.to) for one in letters) == Counter({(purpose, email): min(expected, most)})
        self.mails[email, purpose] += len(letters)
        for letter in letters:
            for person in self.people.persons:
                if purpose != "accept" and (person.org.slug, person.email) == (letter.slug, email) and person.exists:
                    self.people.mailed.append(Mailed(person, purpose, letter.token))
        return letters

    def register(self, email: str) -> None:
        slug, password = f"org-{secrets.token_hex(5)}", secrets.token_urlsafe(16)
        names = {"organization_name": slug, "organization_slug": slug, "admin_name": "Ada"}
        body = {**names, "admin_email": email, "admin_password": password}
        made = self.ask(None, "POST", "/auth/register/organization", body).body
        org = Org(made["organization"]["id"], slug, [made["organization"]["id"]])
        owner = Person(org, made["user"]["id"], email, "owner", org.id, verified=False, passwords=[password])
        self.people.orgs.append(org)
        self.people.persons.append(owner)
        self.people.bearers.append(Bearer(owner, made["api_key"], None, "", "admin", "admin", org.id))
        self.read_mails("verify", email, 1)

    def log_in(self, person: Person, password: str) -> None:
        right = person.present and password == person.passwords[-1]
        body = {"email": person.email, "password": password, "organization": person.org.slug}
        reply = self.ask(None if right else 401, "POST", "/auth/login", body)
        if right:
            self.people.begin(person, reply.body, claims(reply.body["access_token"])["sid"])

    def invite(self, by: Bearer, email: str, role: str) -> None:
        org, scopes = by.person.org, ["invitations:write", *(["users:write"] if role == "admin" else [])]
        known = [one for one in self.people.invitations if one.org is org and one.stands]
        same = next((one for one in known if one.email == email), None)
        full = len(self.people.of(org)) + len([one for one in known if one is not same]) >= _MAX_USERS
        taken = any(person.email == email for person in self.people.of(org))
        expected = by.refusal(*scopes) or (409 if taken or full else None)
        body = {"email": email, "name": "Bo", "role": role}
        made = self.ask(expected, "POST", "/auth/users/invite", body, by.token).body
        tokens = [letter.token for letter in self.read_mails("accept", email, 0 if expected else 1)]
        if expected:
            return
        # Those that had fallen with their inviters do not rise again.
        for one in self.people.invitations:
            one.gone = one.gone or (one.org is org and not one.stands)
        if same is None:
            same = Invitation(org, made["id"], email, role, by.tenant, by.person, [])
            self.people.invitations.append(same)
        assert made["id"] == same.id
        same.role, same.tenant, same.by = role, by.tenant, by.person
        same.tokens += tokens

    def accept(self, invitation: Invitation, token: str) -> None:
        good = invitation.stands and token == invitation.tokens[-1]
        full = len(self.people.of(invitation.org)) >= _MAX_USERS
        password = secrets.token_urlsafe(16)
        expected = 400 if not good else 409 if full else None
        reply = self.ask(expected, "POST", "/auth/invitation/accept", {"token": token, "password": password})
        if expected:
            return
        invitation.gone = True
        said = claims(reply.body["access_token"])
        assert (said["role"], said["tenant_id"]) == (invitation.role, invitation.tenant)
        person = Person(
            invitation.org, said["sub"], invitation.email, invitation.role, invitation.tenant, verified=True
        )
        person.passwords.append(password)
        self.people.persons.append(person)
        self.people.begin(person, reply.body, said["sid"])

    def refresh(self, session: Session) -> None:
        spent = session.refresh
        reply = self.ask(None if session.live else 401, "POST", "/auth/refresh", {"refresh_token": spent})
        if session.live:
            session.spent.append(spent)
            self.people.refreshed(session, reply.body)

    def ask_mail(self, email: str, purpose: str) -> None:
        path = "/auth/email/resend" if purpose == "verify" else "/auth/password/reset"
        self.ask(None, "POST", path, {"email": email})
        asked = [one for one in self.people.persons if one.present and one.email == email]
        self.read_mails(purpose, email, sum(one.verified is (purpose == "reset") for one in asked))

    # Whom and what a step is about

    def one(self, data: st.DataObject, among: Sequence[T], label: str) -> T:
        return data.draw(st.sampled_from(among), label=label)

    def bearer(self, data: st.DataObject) -> Bearer:
        """Choose one that works more often than one that does not."""
        live = [one for one in self.people.bearers if one.live]
        return self.one(data, [*live, *live, *live, *self.people.bearers], "by")

    def person(self, data: st.DataObject, by: Bearer) -> Person:
        """Choose somebody of whoever acts more often than a stranger."""
        return self.one(data, [*self.people.of(by.person.org) * 3, *self.people.persons], "person")

    # What happens

    @precondition(lambda self: len(self.people.orgs) < 3)
    @rule(name=st.sampled_from(_NAMES[:2]))
    def register_another(self, name: str) -> None:
        self.register(f"{name}@{self.place}")
        self.log_in(self.people.persons[-1], self.people.persons[-1].passwords[-1])

    @rule(data=st.data())
    def log_in_somebody(self, data: st.DataObject) -> None:
        person = self.one(data, self.people.persons, "person")
        self.log_in(person, self.one(data, person.passwords[-1:] * 3 + person.passwords, "password"))

    @rule(data=st.data(), name=st.sampled_from(_NAMES), role=st.sampled_from(ROLES[:3]))
    def invite_somebody(self, data: st.DataObject, name: str, role: str) -> None:
        self.invite(self.bearer(data), f"{name}@{self.place}", role)

    @precondition(lambda self: self.people.invitations)
    @rule(data=st.data())
    def withdraw_an_invitation(self, data: st.DataObject) -> None:
        by, invitation = self.bearer(data), self.one(data, self.people.invitations, "invitation")
        # One that has fallen, and that nobody has cleared away yet, can still be withdrawn.
        there = invitation.org is by.person.org and not invitation.gone
        expected = by.refusal("invitations:write") or (None if there else 404)
        self.ask(expected, "DELETE", f"/auth/invitations/{invitation.id}", None, by.token)
        invitation.gone = invitation.gone or not expected

    @precondition(lambda self: any(one.tokens for one in self.people.invitations))
    @rule(data=st.data())
    def accept_an_invitation(self, data: st.DataObject) -> None:
        invitation = self.one(data, [one for one in self.people.invitations if one.tokens], "invitation")
        self.accept(invitation, self.one(data, invitation.tokens[-1:] * 2 + invitation.tokens, "token"))

    @rule(data=st.data())
    def refresh_a_session(self, data: st.DataObject) -> None:
        self.refresh(self.one(data, self.people.sessions, "session"))

    @rule(data=st.data(), later=st.booleans())
    def replay_a_refresh(self, data: st.DataObject, *, later: bool) -> None:
        session = self.one(data, self.people.sessions, "session")
        if not (session.spent and later):
            self.refresh(session)
        if not session.spent:
            return
        if later:
            self.world.let_time_pass(session.person.org.id, session.id)
        expected = 401 if later or not session.live else 409
        self.ask(expected, "POST", "/auth/refresh", {"refresh_token": session.spent[-1]})
        self.changed = True
        session.ended = session.ended or later

    @rule(data=st.data())
    def log_out(self, data: st.DataObject) -> None:
        by = self.bearer(data)
        expected = 401 if not by.live else None if by.session else 403
        self.ask(expected, "POST", "/auth/logout", None, by.token)
        if by.session:
            by.session.ended = True

    @rule(data=st.data())
    def end_a_session(self, data: st.DataObject) -> None:
        by, session = self.bearer(data), self.one(data, self.people.sessions, "session")
        own = session.person is by.person and not session.ended
        expected = 401 if not by.live else 403 if by.session is None else None if own else 404
        self.ask(expected, "DELETE", f"/auth/sessions/{session.id}", None, by.token)
        session.ended = session.ended or not expected

    @rule(data=st.data(), right=st.sampled_from((True, True, True, False)))
    def change_a_password(self, data: st.DataObject, *, right: bool) -> None:
        by, fresh = self.bearer(data), secrets.token_urlsafe(16)
        expected = 401 if not by.live else 403 if by.session is None else None if right else 422
        current = by.person.passwords[-1] if right else f"{by.person.passwords[-1]}x"
        body = {"current_password": current, "new_password": fresh}
        self.ask(expected, "POST", "/auth/password/change", body, by.token)
        if not expected:
            self.people.new_password(by.person, fresh, by.session)

    @rule(data=st.data(), purpose=st.sampled_from(("verify", "reset", "reset")))
    def ask_for_a_mail(self, data: st.DataObject, purpose: str) -> None:
        known = [one.email for one in self.people.persons]
        self.ask_mail(self.one(data, [*known, f"{_NAMES[-1]}@{self.place}"], "email"), purpose)

    @precondition(lambda self: self.people.mailed)
    @rule(data=st.data())
    def use_a_mailed_link(self, data: st.DataObject) -> None:
        live = [one for one in self.people.mailed if one.live]
        mailed, fresh = self.one(data, [*live, *live, *self.people.mailed], "mailed"), secrets.token_urlsafe(16)
        path, body = "/auth/email/verify", {"token": mailed.token}
        if mailed.purpose == "reset":
            path, body = "/auth/password/reset/confirm", {**body, "new_password": fresh}
        self.ask(None if mailed.live else 400, "POST", path, body)
        if not mailed.live:
            return
        self.people.spend(mailed.person, mailed.purpose)
        if mailed.purpose == "verify":
            mailed.person.verified = True
        else:
            self.people.new_password(mailed.person, fresh)

    @invariant()
    def everything_is_good_for_what_the_model_says_and_nothing_else(self) -> None:
        # What a refusal did all the same is seen after the next step that is none.
        if not self.changed:
            return
        self.changed = False
        asked = expectations(self.people)
        replies = self.world.each([one.ask for one in asked])
        wrong = [(one, reply) for one, reply in zip(asked, replies, strict=True) if reply.status != one.status]
        assert not wrong, wrong

    def teardown(self) -> None:
        """Use up what can only be looked at by being used; not after a failure, which this would hide."""
        if sys.exc_info()[0] is None:
            self.changed = True
            self.everything_is_good_for_what_the_model_says_and_nothing_else()
            for one in last_uses(self.people):
                self.ask(None if one.status < 300 else one.status, *one.ask)
