"""The machine's other half: keys, and what administrators do to people, tenants and the organization."""

from __future__ import annotations

import secrets

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from journey.people_machine import KINDS, Machine
from journey.people_model import LEVELS, ROLES, Bearer, Org, Person

# The most that a person of the role gives a key.
GIVEN = {"readonly": "read", "member": "write", "admin": "admin", "owner": "admin"}


def lower(one: str, other: str) -> str:
    return min(one, other, key=LEVELS.index)


class Administered(Machine):
    """Everything that people do."""

    @initialize()
    def begin(self) -> None:
        """Begin where much can be taken back at once."""
        ada, bo, cy, di = (f"{name}@{self.place}" for name in ("ada", "bo", "cy", "di"))
        self.register(ada)
        owner = self.people.persons[0]
        self.log_in(owner, owner.passwords[-1])
        for email, role in ((bo, "admin"), (cy, "member")):
            self.invite(self.people.bearers[1], email, role)
            self.accept(self.people.invitations[-1], self.people.invitations[-1].tokens[-1])
            self.ask_mail(email, "reset")
        by_bo, by_cy = self.people.bearers[2:]
        self.invite(by_bo, di, "readonly")
        self.make_tenant(by_bo)
        self.put(by_bo, owner.org, owner.org.tenants[-1], by_cy.person, put=True)
        self.mint(by_cy, "user", None, owner.org.tenants[-1])
        self.mint(by_bo, "admin", "read", owner.org.tenants[-1])

    # Keys

    @rule(data=st.data(), kind=st.sampled_from(tuple(KINDS)), asked=st.sampled_from((None, *LEVELS)))
    def mint_a_key(self, data: st.DataObject, kind: str, asked: str | None) -> None:
        by = self.bearer(data)
        self.mint(by, kind, asked, self.one(data, [None, *by.person.org.tenants], "tenant"))

    def mint(self, by: Bearer, kind: str, asked: str | None, tenant: str | None) -> None:
        held = lower(by.level, GIVEN[by.person.role])
        beyond = asked is not None and lower(asked, held) != asked
        refused = (kind == "admin" and not by.administers) or beyond or not self.may_mint_in(by, tenant)
        expected = by.refusal("keys:write") or (403 if refused else None)
        wanted = {"name": "a key", "key_type": kind, "scopes": [asked] if asked else None, "tenant_id": tenant}
        body = {name: value for name, value in wanted.items() if value is not None}
        made = self.ask(expected, "POST", "/api-keys", body, by.token).body
        if not expected:
            level = asked or lower(KINDS[kind], held)
            key = Bearer(by.person, made["api_key"], None, made["id"], kind, level, tenant or by.tenant)
            self.people.bearers.append(key)

    def may_mint_in(self, by: Bearer, tenant: str | None) -> bool:
        if tenant in (None, by.tenant) or by.can("tenants:write"):
            return True
        return by.session is not None and by.person.may_act(str(tenant))

    @precondition(lambda self: any(one.id and not one.session for one in self.people.bearers))
    @rule(data=st.data())
    def revoke_a_key(self, data: st.DataObject) -> None:
        by = self.bearer(data)
        key = self.one(data, [one for one in self.people.bearers if one.id and not one.session], "key")
        expected = by.refusal("keys:write") or (None if self.may_revoke(by, key) else 404)
        self.ask(expected, "DELETE", f"/api-keys/{key.id}", None, by.token)
        key.revoked = key.revoked or not expected

    def may_revoke(self, by: Bearer, key: Bearer) -> bool:
        # Keys go with their person and their tenant; a revoked one is still known where it was.
        there = key.person.exists and key.own_tenant in key.person.org.tenants and key.person.org is by.person.org
        seen = key.own_tenant == by.tenant or (by.can("tenants:write") and not key.revoked)
        own = key.person is by.person and (by.session is not None or key.kind in ("user", "agent"))
        return there and seen and (by.administers or own)

    # People

    def change(self, by: Bearer, person: Person, role: str, *, active: bool) -> int | None:
        """Return how the change of the person is refused."""
        refusal = by.refusal("users:write")
        if refusal or not person.exists or person.org is not by.person.org:
            return refusal or 404
        if by.person.rank < max(person.rank, ROLES.index(role)):
            return 403
        if role == "owner" != person.role and by.session is None:
            return 403
        others = [one for one in self.people.owners(person.org) if one is not person]
        stays = role == "owner" and active
        return 409 if person.role == "owner" and not others and not stays else None

    @rule(data=st.data(), role=st.sampled_from(ROLES))
    def change_a_role(self, data: st.DataObject, role: str) -> None:
        by = self.bearer(data)
        person = self.person(data, by)
        expected = self.change(by, person, role, active=person.active)
        self.ask(expected, "PATCH", f"/users/{person.id}", {"role": role}, by.token)
        person.role = person.role if expected else role

    @rule(data=st.data(), active=st.booleans(), back=st.booleans())
    def suspend_or_reactivate(self, data: st.DataObject, *, active: bool, back: bool) -> None:
        by = self.bearer(data)
        away = [one for one in self.people.of(by.person.org) if not one.active]
        person = self.one(data, away, "person") if active and away else self.person(data, by)
        self.suspend(by, person, active=active)
        if back:
            self.suspend(by, person, active=True)

    def suspend(self, by: Bearer, person: Person, *, active: bool) -> None:
        expected = self.change(by, person, person.role, active=active)
        self.ask(expected, "PATCH", f"/users/{person.id}", {"is_active": active}, by.token)
        if not expected:
            person.active = active
            # Keys come back with the person, sessions do not.
            if not active:
                self.people.end(person)

    @rule(data=st.data())
    def remove_somebody(self, data: st.DataObject) -> None:
        by = self.bearer(data)
        person = self.person(data, by)
        expected = self.change(by, person, person.role, active=False)
        self.ask(expected, "DELETE", f"/users/{person.id}", None, by.token)
        person.gone = person.gone or not expected

    # Tenants and the organization

    def tenant(self, data: st.DataObject, by: Bearer) -> tuple[Org, str]:
        """Choose a tenant, a later one of whoever acts more often than another."""
        every = [(org, tenant) for org in self.people.orgs for tenant in org.tenants]
        own = [(by.person.org, tenant) for tenant in by.person.org.tenants[1:]]
        return self.one(data, [*own * 4, *every], "tenant")

    @rule(data=st.data())
    def make_a_tenant(self, data: st.DataObject) -> None:
        self.make_tenant(self.bearer(data))

    def make_tenant(self, by: Bearer) -> None:
        expected = by.refusal("tenants:write")
        body = {"name": "Tenant", "slug": f"t-{secrets.token_hex(4)}"}
        made = self.ask(expected, "POST", "/tenants", body, by.token).body
        if not expected:
            by.person.org.tenants.append(made["id"])

    @rule(data=st.data(), put=st.booleans())
    def put_somebody_in_or_out(self, data: st.DataObject, *, put: bool) -> None:
        by = self.bearer(data)
        person = self.person(data, by)
        org, tenant = self.tenant(data, by)
        members = [one for one in self.people.of(by.person.org) if one.memberships]
        if members and not put:
            person = self.one(data, [*members * 3, person], "member")
            org, tenant = person.org, self.one(data, [*person.memberships * 3, tenant], "of")
        self.put(by, org, tenant, person, put=put)

    def put(self, by: Bearer, org: Org, tenant: str, person: Person, *, put: bool) -> None:
        there = org is by.person.org and (person.org is org and person.exists if put else tenant in person.memberships)
        expected = by.refusal("tenants:write") or (None if there and person.exists else 404)
        method = "PUT" if put else "DELETE"
        self.ask(expected, method, f"/tenants/{tenant}/members/{person.id}", None, by.token)
        if expected:
            return
        if put and tenant not in person.memberships:
            person.memberships.append(tenant)
        elif not put:
            person.memberships.remove(tenant)

    @rule(data=st.data())
    def remove_a_tenant(self, data: st.DataObject) -> None:
        by = self.bearer(data)
        org, tenant = self.tenant(data, by)
        starting = {person: self.elsewhere(person, tenant) for person in self.people.of(org) if person.tenant == tenant}
        expected = by.refusal("tenants:write") or (404 if org is not by.person.org else None)
        expected = expected or (409 if tenant == org.id or None in starting.values() else None)
        self.ask(expected, "DELETE", f"/tenants/{tenant}", None, by.token)
        if expected:
            return
        org.tenants.remove(tenant)
        for person in self.people.of(org):
            person.tenant = starting.get(person) or person.tenant
            person.memberships = [one for one in person.memberships if one != tenant]
        for key in self.people.bearers:
            key.revoked = key.revoked or key.own_tenant == tenant
        for invitation in self.people.invitations:
            invitation.gone = invitation.gone or invitation.tenant == tenant

    def elsewhere(self, person: Person, tenant: str) -> str | None:
        """Return where somebody starts who starts in this tenant no more."""
        others = [one for one in person.memberships if one != tenant]
        return others[0] if others else person.org.id if person.administers else None

    @precondition(lambda self: sum(not org.gone for org in self.people.orgs) > 1)
    @rule(data=st.data())
    def remove_the_organization(self, data: st.DataObject) -> None:
        owning = [one for one in self.people.bearers if one.session and one.live and one.person.role == "owner"]
        by = self.one(data, [*owning * 3, self.bearer(data)], "owner")
        refusal = by.refusal("organization:write")
        expected = refusal or (403 if by.session is None else None)
        self.ask(expected, "DELETE", "/organization", {"confirm": by.person.org.slug}, by.token)
        by.person.org.gone = by.person.org.gone or not expected
