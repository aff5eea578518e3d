"""The form of a registration: every field checked, every fault told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from devmesh.accounts import passwords
from devmesh.accounts.model import NewOrganization
from devmesh.directory import names
from devmesh.errors import Fault, Invalid
from devmesh.mail import address


@dataclass(frozen=True, slots=True)
class Form:
    """A registration whose fields are good and in the one spelling that is kept."""

    organization_name: str
    slug: str
    email: str
    name: str
    password: str = field(repr=False)


def checked(new: NewOrganization) -> Form:
    """Return the form; raise Invalid with every fault of every field."""
    faults: list[Fault] = []
    organization_name = _read(names.name, new.organization_name, "organization_name", faults)
    slug = _read(names.organization_slug, new.organization_slug, "organization_slug", faults)
    email = email_of(new.admin_email, "admin_email", faults)
    name = _read(names.name, new.admin_name, "admin_name", faults)
    password = passwords.normal(new.admin_password)
    unmet = passwords.unmet(password, (organization_name, slug))
    faults += [Fault("admin_password", rule) for rule in unmet]
    if faults:
        raise Invalid(faults)
    return Form(organization_name, slug, email, name, password)


def email_of(text: str, where: str, faults: list[Fault]) -> str:
    """Return the address in its kept spelling; what is wrong with it joins `faults`."""
    return _read(address.parse, text, where, faults)


def _read(parse: Callable[[str], str], text: str, where: str, faults: list[Fault]) -> str:
    try:
        return parse(text)
    except ValueError as error:
        faults.append(Fault(where, str(error)))
        return ""
