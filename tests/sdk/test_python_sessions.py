"""How the Python SDK's clients get tokens: one refresh at a time, and none where nothing would come of it."""

from __future__ import annotations

import pytest

from devmesh_sdk import (
    ApiKey,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    Login,
    MalformedReplyError,
    MfaRequiredError,
    TimedOutError,
    Tokens,
)
from devmesh_sdk.api import operations as do
from devmesh_sdk.api import own
from devmesh_sdk.core import Core
from devmesh_sdk.credentials import Session
from devmesh_sdk.steps import Alone, Lost, Send
from sdk.played import GONE, KEY, Play, bearer_of, bodies, problem, reply, tokens

LOGIN = Login("ada@acme.example", "a password", "acme")
OLD = Tokens("access-0", "refresh-0")
EXPIRED = problem(401, "token_expired")
DONE = reply(200, {"name": "Ada"})
LOGIN_PATH, REFRESH_PATH, PROFILE_PATH = "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/profile"


def test_a_login_is_made_at_the_first_call_and_kept():
    play = Play(tokens(1), DONE, DONE, auth=LOGIN)
    play.take(do.show_profile(play.core))
    play.take(do.show_profile(play.core))
    assert play.paths() == [LOGIN_PATH, PROFILE_PATH, PROFILE_PATH]
    assert bodies(play.sent[:1]) == [{"email": LOGIN.email, "password": LOGIN.password, "organization": "acme"}]
    assert play.bearers() == [None, "access-1", "access-1"]


def test_an_expired_token_is_refreshed_and_the_call_made_again():
    play = Play(EXPIRED, tokens(1), DONE, auth=OLD)
    assert play.take(do.show_profile(play.core)) == {"name": "Ada"}
    assert bodies(play.sent[1:2]) == [{"refresh_token": "refresh-0"}]
    assert play.bearers() == ["access-0", None, "access-1"]
    assert play.core.session.refresh_token == "refresh-1"


def test_an_action_keeps_its_idempotency_key_over_a_refresh():
    play = Play(EXPIRED, tokens(1), DONE, auth=OLD)
    play.take(do.create_tenant(play.core, name="Web", slug="web"))
    first, _, second = play.sent
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_fifty_calls_in_flight_refresh_once():
    play = Play(tokens(1), auth=OLD)
    flying = [do.show_profile(play.core) for _ in range(50)]
    assert [bearer_of(steps.send(None)) for steps in flying] == ["access-0"] * 50
    waiting = [steps.send(EXPIRED) for steps in flying]
    assert all(isinstance(step, Alone) for step in waiting)
    for steps, step in zip(flying, waiting, strict=True):
        play.take(step.steps)
        assert bearer_of(steps.send(None)) == "access-1"
    assert play.paths() == [REFRESH_PATH]


def test_who_waited_for_a_refresh_that_failed_is_told_so_without_another():
    play = Play(problem(500, "internal_error"), auth=OLD)
    flying = [do.show_profile(play.core) for _ in range(50)]
    for steps in flying:
        steps.send(None)
    waiting = [steps.send(EXPIRED) for steps in flying]
    raised = []
    for step in waiting:
        with pytest.raises(Exception, match="Refused") as caught:
            play.take(step.steps)
        raised.append(caught.value)
    assert play.paths() == [REFRESH_PATH]
    assert {error.code for error in raised} == {"internal_error"}
    assert len({id(error) for error in raised}) == 50
    # The next call, later, asks again.
    play.outcomes = [EXPIRED, tokens(1), DONE]
    play.take(do.show_profile(play.core))


def test_a_second_refusal_is_not_answered_by_a_second_refresh():
    play = Play(EXPIRED, tokens(1), EXPIRED, auth=OLD)
    with pytest.raises(AuthenticationError) as raised:
        play.take(do.show_profile(play.core))
    assert raised.value.code == "token_expired"
    assert play.paths() == [PROFILE_PATH, REFRESH_PATH, PROFILE_PATH]


@pytest.mark.parametrize("code", ["invalid_token", "invalid_api_key", "authentication_required"])
def test_a_session_that_somebody_ended_is_not_begun_anew_by_itself(code):
    play = Play(tokens(1), problem(401, code), auth=LOGIN)
    with pytest.raises(AuthenticationError):
        play.take(do.show_profile(play.core))
    assert play.paths() == [LOGIN_PATH, PROFILE_PATH]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (problem(401, "invalid_refresh_token"), AuthenticationError),
        (problem(409, "refresh_already_used"), ConflictError),
        (GONE, ConnectionFailedError),
        (Lost("timed_out", unsent=False, reason="slow"), TimedOutError),
    ],
    ids=["over", "spent", "lost", "slow"],
)
def test_a_session_that_cannot_go_on_is_begun_anew_by_a_login_or_is_over(outcome, kind):
    with_login = Play(tokens(1), DONE, EXPIRED, outcome, tokens(2), DONE, auth=LOGIN, retries=0)
    with_login.take(do.show_profile(with_login.core))
    with_login.take(do.show_profile(with_login.core))
    assert with_login.paths()[-3:] == [REFRESH_PATH, LOGIN_PATH, PROFILE_PATH]
    without = Play(EXPIRED, outcome, auth=OLD, retries=0)
    with pytest.raises(kind):
        without.take(do.show_profile(without.core))
    assert without.paths() == [PROFILE_PATH, REFRESH_PATH]


@pytest.mark.parametrize("lost", [GONE, problem(503, "unavailable")], ids=["lost", "refused"])
def test_a_refresh_whose_answer_was_lost_is_told_that_its_token_is_spent_and_a_login_follows(lost):
    spent = problem(409, "refresh_already_used")
    play = Play(tokens(1), EXPIRED, lost, spent, lost, tokens(2), DONE, auth=LOGIN)
    play.take(do.show_profile(play.core))
    assert play.paths()[2:] == [REFRESH_PATH, REFRESH_PATH, LOGIN_PATH, LOGIN_PATH, PROFILE_PATH]


def test_a_refused_login_is_not_tried_again_for_half_a_minute():
    play = Play(problem(401, "login_failed"), auth=LOGIN)
    for _ in range(5):
        with pytest.raises(AuthenticationError) as raised:
            play.take(do.show_profile(play.core))
        assert raised.value.code == "login_failed"
        play.now += 5
    assert play.paths() == [LOGIN_PATH]
    play.now += 30
    play.outcomes = [tokens(1), DONE]
    play.take(do.show_profile(play.core))


def test_a_second_factor_is_asked_for_and_begins_the_session():
    asked = reply(200, {"mfa_required": True, "mfa_token": "mfa_1", "methods": ["totp"], "passkey_options": None})
    play = Play(asked, asked, tokens(1), DONE, auth=LOGIN)
    for steps in (do.show_profile, own.log_in):
        with pytest.raises(MfaRequiredError) as raised:
            play.take(steps(play.core))
        assert (raised.value.code, raised.value.methods) == ("mfa_required", ["totp"])
        assert "mfa_1" not in f"{raised.value} {raised.value!r}"
    play.take(own.prove_factor(play.core, raised.value.mfa_token, code="123456"))
    assert bodies(play.sent[2:3]) == [{"mfa_token": "mfa_1", "code": "123456"}]
    play.take(do.show_profile(play.core))
    assert play.bearers()[-1] == "access-1"


def test_a_call_refused_under_a_key_that_was_replaced_meanwhile_goes_on_under_the_new_one():
    new = "usr_" + "n" * 43
    play = Play(auth=ApiKey(KEY))
    steps = do.create_tenant(play.core, name="Web", slug="web")
    first = steps.send(None)
    play.core.session = Session(ApiKey(new))
    second = steps.send(problem(401, "invalid_api_key"))
    assert isinstance(second, Send)
    assert (bearer_of(first), bearer_of(second)) == (KEY, new)
    with pytest.raises(AuthenticationError):
        steps.send(problem(401, "invalid_api_key"))


def test_a_refresh_under_way_does_not_write_over_a_credential_that_was_chosen_meanwhile():
    play = Play(auth=OLD)
    steps = do.show_profile(play.core)
    steps.send(None)
    waiting = steps.send(EXPIRED)
    refreshing = waiting.steps
    refreshing.send(None)
    play.core.session = Session(ApiKey(KEY))
    with pytest.raises(StopIteration):
        refreshing.send(tokens(1))
    assert play.core.session.bearer == KEY
    assert bearer_of(steps.send(None)) == KEY


def test_a_logout_forgets_the_tokens_also_of_a_session_that_had_ended():
    ended = Play(reply(204), auth=OLD)
    ended.take(own.log_out(ended.core))
    gone = Play(problem(401, "invalid_token"), auth=OLD)
    with pytest.raises(AuthenticationError):
        gone.take(own.log_out(gone.core))
    for play in (ended, gone):
        assert (play.core.session.bearer, play.core.session.refresh_token) == (None, None)


def test_nobody_logs_in_to_log_out():
    play = Play(auth=LOGIN)
    play.take(own.log_out(play.core))
    assert play.sent == []


def test_there_must_be_something_to_refresh_or_to_log_in_with():
    for steps in (own.refresh, own.log_in):
        core = Core("https://mesh.example", ApiKey(KEY), tenant=None, timeout=30, retries=0)
        with pytest.raises(AuthenticationError):
            Play().take(steps(core))


@pytest.mark.parametrize(
    "body", [{}, {"access_token": "x"}, {"access_token": None, "refresh_token": "y"}, b"[]", b"null"]
)
def test_a_login_answered_by_something_else_is_a_malformed_reply(body):
    play = Play(reply(200, body), auth=LOGIN)
    with pytest.raises(MalformedReplyError):
        play.take(do.show_profile(play.core))
