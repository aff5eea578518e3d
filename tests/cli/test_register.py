"""Registering an organization at a terminal and in a pipe."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from devmesh.accounts.passwords import LONG, SHORTEST, normal, unmet
from devmesh.cli.register import too_weak

if TYPE_CHECKING:
    from running import Mesh, Organization
    from shell import Shell

PASSWORD = "SecurePass123!"


async def test_a_person_registers_at_a_terminal_and_is_logged_in(mesh: Mesh, shell: Shell):
    slug = f"org-{secrets.token_hex(4)}"
    typed = [
        ("Name of your organization", "Vandelay Industries"),
        ("[vandelay-industries]", slug),
        ("Your e-mail address", "ada"),
        ("Your e-mail address", f"ada@{slug}.example"),
        ("Your name", "Ada"),
        ("Password (not shown)", "secure-pass"),
        ("Password (not shown)", PASSWORD),
        ("Password again (not shown)", "SecurePass123?"),
        ("Password (not shown)", PASSWORD),
        ("Password again (not shown)", PASSWORD),
    ]
    ran = await shell.type("register", answers=typed)
    assert (ran.code, ran.text.count("They differ")) == (0, 1), ran.out
    for said in ("no e-mail address: once more", "too short for what it is made of: once more"):
        assert said in ran.text
    assert PASSWORD not in ran.out
    [key] = [word for word in ran.text.split() if word.startswith("adm_")]
    async with mesh.http.get("/api/v1/auth/profile", headers={"X-API-Key": key}) as reply:
        assert (await reply.json())["organization_slug"] == slug
    assert (await shell.run("whoami")).json["organization_slug"] == slug
    assert ran.widest <= 80
    rule, _, _ = ran.text.partition("Password (not shown)")
    assert f"at least {LONG} characters of any kind, or at least {SHORTEST} with an upper-case letter" in rule
    assert "a lower-case letter and a digit" in rule


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "Aa1aaaa",
        "Aa1aaaaz",
        "longenough1",
        "LONGENOUGH1",
        "NoDigitsHere",
        "x" * 14,
        "q" * 15,
        "\ufb01" * 8,
        "\uff21a1zzzzz",
    ],
)
def test_what_is_too_weak_at_the_terminal_is_so_at_the_server(password: str):
    formal = [rule for rule in unmet(normal(password), []) if rule.startswith("must have")]
    assert bool(too_weak(password)) == bool(formal)


async def test_what_registration_refuses_is_named_field_by_field(shell: Shell):
    words = ("--organization", "Acme", "--slug", "admin", "--email", "ada@acme.example", "--name", "Ada")
    ran = await shell.run("register", *words, stdin="short\n")
    assert (ran.code, ran.out) == (1, "")
    assert "organization_slug" in ran.err
    assert "admin_password" in ran.err
    assert ran.err.endswith("  next: Correct that, and run the command again.\n")
    assert not shell.sessions.exists()


async def test_after_a_slug_that_is_taken_the_option_that_chooses_another_is_named(
    shell: Shell, organization: Organization
):
    words = ("--organization", "Acme", "--slug", organization.slug, "--email", "ada@acme.example", "--name", "Ada")
    ran = await shell.run("register", *words, stdin=f"{PASSWORD}\n")
    assert (ran.code, "next: Choose another with --slug." in ran.err) == (1, True), ran.err
    assert ran.err.count("devmesh login") == 1
