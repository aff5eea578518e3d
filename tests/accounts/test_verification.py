import asyncio
import logging
import re
import stat
from email import message_from_bytes, policy

import pytest

from devmesh.accounts import budget
from devmesh.accounts.model import LinkInvalid
from devmesh.accounts.service import MOST_MAILED
from devmesh.audit.model import Visitor
from devmesh.errors import Invalid

VISITOR = Visitor(address="192.0.2.7", request_id="r-1")
LINK = re.compile(r"http://localhost:8081/verify#token=([A-Za-z0-9_-]{43})")


async def mails(outbox):
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in await outbox.files()]


async def tokens(outbox):
    return [LINK.search(mail.get_body(("plain",)).get_content())[1] for mail in await mails(outbox)]


async def verified(db, owner):
    async with db.acting(owner.organization_id) as tx:
        return await tx.value("select verified_at from users where id = $1", owner.id)


async def test_the_mail_is_complete_private_and_its_link_leads_to_the_page(accounts, outbox, new):
    form = new()
    await accounts.register(VISITOR, form)

    (file,) = await outbox.files()
    (mail,) = await mails(outbox)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f-]{36}\.eml", file.name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(outbox.folder.stat().st_mode) == 0o700
    assert mail["To"] == form.admin_email
    assert mail["From"].endswith("<no-reply@localhost>")
    assert form.organization_slug in mail.get_body(("plain",)).get_content()
    assert LINK.search(mail.get_body(("html",)).get_content())
    # A developer reads the file itself.
    assert LINK.search(file.read_text())


async def test_the_mail_repeats_no_text_of_the_registrants_choosing(accounts, outbox, new):
    await accounts.register(VISITOR, new(organization_name="Win at http://evil.test", admin_name="http://evil.test"))
    (file,) = await outbox.files()
    assert "evil" not in file.read_text()


async def test_the_log_names_the_file_and_never_the_link(accounts, outbox, new, caplog):
    caplog.set_level(logging.DEBUG)
    await accounts.register(VISITOR, new())
    (file,) = await outbox.files()
    assert file.name in caplog.text
    assert (await tokens(outbox))[0] not in caplog.text


async def test_the_database_holds_only_a_keyed_digest_of_the_token(accounts, db, outbox, new):
    made = await accounts.register(VISITOR, new())
    async with db.acting(made.organization.id) as tx:
        kept = [await tx.all(f"select * from {table}") for table in ("route_mail_tokens", "mail_tokens")]
    assert kept[1]
    assert (await tokens(outbox))[0] not in str(kept)


async def test_the_link_verifies_its_user_once(accounts, db, outbox, new):
    made = await accounts.register(VISITOR, new())
    (token,) = await tokens(outbox)

    await accounts.verify(VISITOR, token)

    assert await verified(db, made.owner) is not None
    with pytest.raises(LinkInvalid):
        await accounts.verify(VISITOR, token)


async def test_of_twenty_uses_at_once_one_succeeds(accounts, outbox, new):
    await accounts.register(VISITOR, new())
    (token,) = await tokens(outbox)
    found = await asyncio.gather(*(accounts.verify(VISITOR, token) for _ in range(20)), return_exceptions=True)
    assert [type(one) for one in found if one is not None] == [LinkInvalid] * 19


async def test_of_two_links_of_one_user_at_once_one_succeeds(accounts, outbox, new):
    for _ in range(5):
        form = new()
        await accounts.register(VISITOR, form)
        accounts.resend(form.admin_email)
        await accounts.settle()
        found = await asyncio.gather(
            *(accounts.verify(VISITOR, token) for token in await tokens(outbox)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in found) == ["LinkInvalid", "NoneType"]
        for file in await outbox.files():
            file.unlink()


async def test_an_expired_link_and_an_unknown_one_are_refused_alike(accounts, db, outbox, new):
    made = await accounts.register(VISITOR, new())
    async with db.acting(made.organization.id) as tx:
        await tx.run("update mail_tokens set expires_at = now() where organization_id = $1", made.organization.id)
    told = []
    for token in (*await tokens(outbox), "A" * 43, "x", "", "\ud800" * 43):
        with pytest.raises(LinkInvalid) as refusal:
            await accounts.verify(VISITOR, token)
        told.append((refusal.value.detail, refusal.value.hint))
    assert len(set(told)) == 1
    assert await verified(db, made.owner) is None


async def test_a_link_for_another_purpose_verifies_nobody(accounts, db, outbox, new):
    made = await accounts.register(VISITOR, new())
    async with db.acting(made.organization.id) as tx:
        await tx.run("update mail_tokens set purpose = 'reset' where organization_id = $1", made.organization.id)
    with pytest.raises(LinkInvalid):
        await accounts.verify(VISITOR, *await tokens(outbox))
    assert await verified(db, made.owner) is None


async def test_a_mail_is_sent_again_to_whoever_is_not_verified(accounts, db, outbox, new):
    form = new()
    made = await accounts.register(VISITOR, form)

    accounts.resend(form.admin_email.upper())
    await accounts.settle()

    first, second = await tokens(outbox)
    await accounts.verify(VISITOR, second)
    assert await verified(db, made.owner)
    with pytest.raises(LinkInvalid):
        await accounts.verify(VISITOR, first)


async def test_the_verified_and_the_unknown_are_not_written_to(accounts, outbox, new):
    form = new()
    await accounts.register(VISITOR, form)
    await accounts.verify(VISITOR, *await tokens(outbox))
    accounts.resend(form.admin_email)
    accounts.resend("nobody@example.com")
    await accounts.settle()
    assert len(await tokens(outbox)) == 1


async def test_who_registered_an_address_first_keeps_nobody_who_came_later_from_a_mail(accounts, db, outbox, new):
    email = new().admin_email
    for _ in range(MOST_MAILED):
        await accounts.register(VISITOR, new(admin_email=email))
    latest = await accounts.register(VISITOR, new(admin_email=email))
    async with db.routing() as tx:
        await tx.run("delete from mail_budgets")
    before = len(await outbox.files())
    accounts.resend(email)
    await accounts.settle()
    sent = [mail.get_body(("plain",)).get_content() for mail in (await mails(outbox))[before:]]
    assert len(sent) == MOST_MAILED
    assert any(f"'{latest.organization.slug}'" in text for text in sent)


async def test_who_is_suspended_is_not_written_to(accounts, db, outbox, new):
    form = new()
    made = await accounts.register(VISITOR, form)
    async with db.acting(made.organization.id) as tx:
        await tx.run("update users set is_active = false")
    accounts.resend(form.admin_email)
    await accounts.settle()
    assert len(await tokens(outbox)) == 1


async def test_an_address_gets_five_mails_of_a_kind_an_hour(accounts, db, directory, outbox, new):
    form = new()
    made = await accounts.register(VISITOR, form)
    for _ in range(8):
        accounts.resend(form.admin_email)
    await accounts.settle()
    assert len(await tokens(outbox)) == 5

    async with db.routing() as tx:
        digest = directory.digest_of(f"{made.organization.id} {form.admin_email}")
        await tx.run(
            "update mail_budgets set sent_at[1] = now() - interval '61 minutes' where email_digest = $1", digest
        )
    for _ in range(3):
        accounts.resend(form.admin_email)
    await accounts.settle()
    assert len(await tokens(outbox)) == 6


async def test_a_registration_whose_mail_is_withheld_still_succeeds(accounts, outbox, new):
    email = new().admin_email
    for _ in range(budget.AN_HOUR_OF_ALL + 2):
        await accounts.register(VISITOR, new(admin_email=email))
    assert len(await tokens(outbox)) == budget.AN_HOUR_OF_ALL


async def test_no_organization_uses_up_the_mails_that_another_one_has_for_an_address(accounts, db, directory, new):
    email = new().admin_email
    mine, theirs = [(await accounts.register(VISITOR, new(admin_email=email))).organization.id for _ in range(2)]
    async with db.routing() as tx:
        sent = [await budget.spend(tx, directory, theirs, email, "verify") for _ in range(8)]
        assert sent == [True] * 4 + [False] * 4
        assert await budget.spend(tx, directory, mine, email, "verify")


async def test_a_malformed_address_is_refused_and_any_other_is_not(accounts):
    with pytest.raises(Invalid):
        accounts.resend("a@b\r\nBcc: c@d.example")
