"""The Python SDK tells nobody a secret: not in a text, a repr or a traceback, nor to another host."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import httpx2
import pytest

from devmesh_sdk import (
    ApiKey,
    AsyncClient,
    Client,
    DeveloperMeshError,
    Login,
    MfaRequiredError,
    NotFoundError,
    Tokens,
    ToolError,
    UsageError,
)
from devmesh_sdk.api import operations as do
from devmesh_sdk.api import own
from devmesh_sdk.steps import Lost
from sdk.played import KEY, Play, problem, reply

PASSWORD = 'pass"word with \\ and more'
ACCESS = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
REFRESH = "rfr_" + "r" * 43
UPSTREAM = "ghp_TheTokenThatAdaMadeOnGitHub"
SECRETS = (KEY, PASSWORD, ACCESS, REFRESH, UPSTREAM)
AUTHS = [ApiKey(KEY), Login("ada@acme.example", PASSWORD), Tokens(ACCESS, REFRESH)]


def told(value: Any) -> list[str]:
    text = f"{value} {value!r}" + (
        "".join(traceback.format_exception(value)) + repr(vars(value)) if isinstance(value, Exception) else ""
    )
    # However often it was escaped.
    return [secret for secret in SECRETS if secret.replace("\\", "") in text.replace("\\", "")]


@pytest.mark.parametrize("auth", AUTHS, ids=["key", "login", "tokens"])
async def test_what_holds_a_secret_does_not_show_it(auth):
    with Client("https://mesh.example", auth) as client:
        assert told(client) + told(client.keys) + told(auth) == []
    async with AsyncClient("https://mesh.example", auth) as client:
        assert told(client) == []
    play = Play(auth=auth)
    step = own.log_in(play.core, "ada@acme.example", PASSWORD).send(None)
    assert PASSWORD.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') in step.content
    assert told(step) == []
    if not isinstance(auth, Login):
        assert told(do.show_profile(play.core).send(None)) == []


ECHOED = " and ".join(SECRETS)
ECHOES = [
    problem(403, "forbidden", detail=ECHOED, hint=ECHOED, request_id=ECHOED, extra={"deep": [{ECHOED: ECHOED}]}),
    problem(422, "validation_failed", errors=[{"field": "token", "message": ECHOED}]),
    reply(502, ECHOED.encode(), content_type=f"text/html; x={KEY}"),
    reply(200, f"<p>{ECHOED}</p>".encode(), content_type="text/html"),
    reply(404, ECHOED.encode()),
    reply(200, b"[" * 100_000),
    Lost("connection_failed", unsent=True, reason=ECHOED),
]


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
@pytest.mark.parametrize("auth", [ApiKey(KEY), Tokens(ACCESS, REFRESH)], ids=["key", "tokens"])
def test_a_server_that_repeats_what_it_was_sent_does_not_get_it_into_an_error(echo, auth):
    play = Play(echo, auth=auth, retries=0)
    body = {"token": UPSTREAM, "nested": PASSWORD}
    with pytest.raises(DeveloperMeshError) as raised:
        play.take(do.store_credential(play.core, "github", body))
    assert told(raised.value) == []


def test_a_login_that_is_refused_with_its_own_password_does_not_tell_it():
    play = Play(problem(401, "login_failed", detail=f"{PASSWORD} is wrong"), auth=None)
    with pytest.raises(DeveloperMeshError) as raised:
        play.take(own.log_in(play.core, "ada@acme.example", PASSWORD))
    assert told(raised.value) == []
    assert "[secret] is wrong" in str(raised.value)


def test_an_error_can_be_sent_to_another_process():
    found = NotFoundError("No such key.", code="key_not_found", status=404, hint="Look.", details={"id": "1"})
    for error in (
        found,
        MfaRequiredError.of({"mfa_token": "mfa_1", "methods": ["totp"]}),
        UsageError("No.", hint="Yes."),
    ):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
        assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


@pytest.mark.parametrize("bad", ["", "usr_x\r\nX-Admin: yes", "usr_x\n", "usr_ x", "usr_ü", "usr_\x00"])
def test_what_would_end_a_header_is_refused_and_not_told(bad):
    for make in (ApiKey, Tokens):
        with pytest.raises(UsageError, match="holds a character") as raised:
            make(bad)
        assert not bad or bad not in str(raised.value)
    with pytest.raises(UsageError, match="holds a character"):
        Client("https://mesh.example", ApiKey(KEY), tenant=bad)
    with pytest.raises(UsageError, match="holds a character"):
        own.call_tool(Play(auth=ApiKey(KEY)).core, "github.get_issue", {}, on_behalf_of=bad).send(None)


NO_CREDENTIALS = [KEY, KEY.encode(), "", {"key": KEY}, ("ada@acme.example", PASSWORD), ApiKey, 0, False]


@pytest.mark.parametrize(
    "bad", NO_CREDENTIALS, ids=[type(bad).__name__ + str(n) for n, bad in enumerate(NO_CREDENTIALS)]
)
async def test_what_is_no_credential_is_refused_and_not_told(bad):
    for make in (Client, AsyncClient):
        with pytest.raises(UsageError, match=r"ApiKey\(") as raised:
            make("https://mesh.example", bad)
        assert told(raised.value) == []
    with Client("https://mesh.example", ApiKey(KEY)) as client, pytest.raises(UsageError, match=r"ApiKey\("):
        client.use(bad)
    async with AsyncClient("https://mesh.example", ApiKey(KEY)) as client:
        with pytest.raises(UsageError, match=r"ApiKey\("):
            client.use(bad)


@pytest.mark.parametrize("bad", [None, 7, KEY.encode(), [KEY]])
def test_a_secret_that_is_no_text_is_refused_and_not_told(bad):
    for make in (
        lambda: ApiKey(bad),
        lambda: Tokens(bad),
        lambda: Login(bad, PASSWORD),
        lambda: Login("ada@acme.example", bad),
        lambda: Client("https://mesh.example", ApiKey(KEY), tenant=bad or 0),
    ):
        with pytest.raises(UsageError, match="is no text") as raised:
            make()
        assert told(raised.value) == []
    with pytest.raises(UsageError, match="is no text"):
        Tokens(ACCESS, bad or 0)


def test_a_key_of_a_variable_that_is_not_set_is_told_so():
    with pytest.raises(UsageError, match="check that the variable is set"):
        ApiKey(None)


@pytest.mark.parametrize(
    "url",
    [
        f"https://ada:{PASSWORD.rsplit(maxsplit=1)[-1]}@mesh.example",
        f"https://mesh.example?key={KEY}",
        f"https://mesh.example#{KEY}",
        "ftp://mesh.example",
        "mesh.example",
        "https://",
        "",
        "//mesh.example",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_none_or_holds_more_is_refused_and_not_told(url):
    with pytest.raises(UsageError, match="base_url") as raised:
        Client(url, ApiKey(KEY))
    assert KEY not in str(raised.value)
    assert "more" not in str(raised.value)


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_an_id_does_not_lead_to_another_address(name):
    for steps in (do.revoke_key, do.show_tool, do.get_credential, do.remove_context, own.call_tool):
        with pytest.raises(UsageError, match="cannot stand in an address"):
            Play(auth=ApiKey(KEY)).take(steps(Play(auth=ApiKey(KEY)).core, name))


@pytest.mark.parametrize("name", ["../../admin", "a/b", "a?x=1", "a#b", "a%2fb", "..%2f", "a b", "ü", "a\r\nb", "a\\b"])
def test_whatever_an_id_holds_is_one_part_of_the_address(name):
    play = Play(reply(), auth=ApiKey(KEY))
    play.take(do.show_tool(play.core, name))
    parsed = httpx2.URL(play.sent[0].url)
    assert parsed.raw_path.count(b"/") == 4
    assert parsed.path == f"/api/v1/tools/{name}"
    assert (parsed.query, parsed.fragment) == (b"", "")


def test_no_credential_goes_where_none_is_needed():
    play = Play(reply(), reply(), auth=ApiKey(KEY))
    play.take(do.report_leaked_key(play.core, "usr_x"))
    play.take(do.resend_verification(play.core, "ada@acme.example"))
    assert play.bearers() == [None, None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_the_credential_nowhere(status):
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(status, headers={"location": "https://evil.example/api/v1/auth/profile"})

    # Also where the caller's own client would follow.
    http = httpx2.Client(transport=httpx2.MockTransport(answer), follow_redirects=True)
    with http, Client("https://mesh.example", ApiKey(KEY), http=http) as client, pytest.raises(DeveloperMeshError):
        client.auth.profile()
    ahttp = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), follow_redirects=True)
    async with ahttp, AsyncClient("https://mesh.example", ApiKey(KEY), http=ahttp) as client:
        with pytest.raises(DeveloperMeshError):
            await client.auth.profile()
    assert asked == ["mesh.example"] * 2


def test_nothing_of_a_call_is_logged_but_its_address(caplog: pytest.LogCaptureFixture):
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={"id": "1"})))
    with caplog.at_level(logging.DEBUG), http, Client("https://mesh.example", ApiKey(KEY), http=http) as client:
        client.credentials.connect("github", {"token": UPSTREAM})
    assert told(caplog.text) == []


def test_a_tool_that_fails_with_a_secret_of_ours_does_not_tell_it():
    body = {"result": f"bad key {KEY}", "is_error": True, "receipt": None, "meta": {"code": "upstream_failed"}}
    play = Play(reply(200, body), auth=ApiKey(KEY))
    with pytest.raises(ToolError) as raised:
        play.take(own.call_tool(play.core, "github.get_issue"))
    assert raised.value.code == "upstream_failed"
    assert told(raised.value) == []
