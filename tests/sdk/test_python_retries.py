"""What the Python SDK sends again, when, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from devmesh_sdk import (
    ApiKey,
    ConflictError,
    ConnectionFailedError,
    MalformedReplyError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TimedOutError,
)
from devmesh_sdk.api import operations as do
from devmesh_sdk.api import own
from devmesh_sdk.steps import Lost
from sdk.played import GONE, KEY, UNSENT, Play, problem, reply

AUTH = ApiKey(KEY)
DONE = reply(200, {"id": "1"})
PASSING = [GONE, UNSENT, *(problem(status, "unavailable") for status in (429, 502, 503, 504))]
HUNG = Lost("timed_out", unsent=False, reason="slow")


@pytest.mark.parametrize("outcome", PASSING, ids=str)
def test_a_read_is_sent_again(outcome):
    play = Play(outcome, outcome, DONE, auth=AUTH)
    assert play.take(do.show_profile(play.core)) == {"id": "1"}
    assert len(play.sent) == 3
    assert 0 < play.pauses[0] < play.pauses[1]


@pytest.mark.parametrize("outcome", PASSING, ids=str)
def test_an_action_is_sent_again_under_one_key_and_byte_for_byte(outcome):
    play = Play(outcome, DONE, auth=AUTH)
    play.take(do.create_tenant(play.core, name="Web", slug="web"))
    first, second = play.sent
    assert first.content == second.content
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_every_action_has_a_key_of_its_own():
    play = Play(DONE, DONE, auth=AUTH)
    for _ in range(2):
        play.take(do.create_tenant(play.core, name="Web", slug="web"))
    first, second = play.sent
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


REPEATED_BY_NOBODY = [
    lambda core: do.change_key(core, "1", name="x"),
    lambda core: do.replace_context(core, "1", content={}),
    lambda core: do.remove_context(core, "1"),
    lambda core: do.ask_password_reset(core, email="ada@acme.example"),
    lambda core: own.mcp_call_tool(core, "github.create_issue", {}),
]


@pytest.mark.parametrize("steps", REPEATED_BY_NOBODY)
@pytest.mark.parametrize(
    "outcome", [GONE, problem(503, "unavailable"), problem(502, "upstream_outcome_unknown")], ids=str
)
def test_what_may_have_been_done_is_not_sent_again(steps, outcome):
    play = Play(outcome, auth=AUTH)
    with pytest.raises((ConnectionFailedError, ServerError)):
        play.take(steps(play.core))
    assert len(play.sent) == 1


@pytest.mark.parametrize("steps", REPEATED_BY_NOBODY)
@pytest.mark.parametrize("outcome", [UNSENT, problem(429, "rate_limit_exceeded", retry_after=1)], ids=str)
def test_what_was_provably_not_done_is_sent_again(steps, outcome):
    play = Play(outcome, problem(404, "not_found"), auth=AUTH)
    with pytest.raises(NotFoundError):
        play.take(steps(play.core))
    assert len(play.sent) == 2


@pytest.mark.parametrize(
    "outcome", [HUNG, problem(500, "internal_error"), problem(404, "not_found"), reply(200, b"<p>")]
)
def test_what_would_not_go_better_is_not_sent_again(outcome):
    play = Play(outcome, auth=AUTH)
    with pytest.raises((TimedOutError, ServerError, NotFoundError, MalformedReplyError)):
        play.take(do.show_profile(play.core))
    assert len(play.sent) == 1


def test_a_repeat_that_meets_the_first_still_running_waits_for_it():
    play = Play(GONE, problem(409, "request_in_progress", retry_after=2), DONE, auth=AUTH)
    assert play.take(do.create_tenant(play.core, name="Web", slug="web")) == {"id": "1"}
    assert play.pauses[1] >= 2


def test_a_key_whose_only_showing_was_lost_is_told():
    play = Play(GONE, problem(409, "already_done", id="7"), auth=AUTH)
    with pytest.raises(ConflictError) as raised:
        play.take(do.create_key(play.core, name="agent"))
    assert (raised.value.code, raised.value.details) == ("already_done", {"id": "7"})


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_never_cut_short(as_date):
    given = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True) if as_date else "7"
    refused = reply(429, {"code": "rate_limit_exceeded"}, retry_after=given)
    play = Play(refused, DONE, auth=AUTH)
    play.take(do.show_profile(play.core))
    assert 7 <= play.pauses[0] < 11


@pytest.mark.parametrize("given", ["soon", "-3", "nan", "inf", "", "Tue, 99 Foo"])
def test_a_retry_after_that_says_nothing_is_no_reason_to_wait_or_to_fail(given):
    play = Play(reply(429, {"code": "rate_limit_exceeded"}, retry_after=given), DONE, auth=AUTH)
    play.take(do.show_profile(play.core))
    assert play.pauses[0] < 1


def test_a_wait_beyond_the_calls_time_is_told_at_once():
    play = Play(problem(429, "rate_limit_exceeded", retry_after=60), auth=AUTH)
    with pytest.raises(RateLimitError) as raised:
        play.take(do.show_profile(play.core))
    assert raised.value.retry_after == 60
    assert play.pauses == []


def test_all_attempts_of_a_call_share_its_time():
    play = Play(*[problem(503, "unavailable", retry_after=4)] * 9, auth=AUTH, retries=99, timeout=10)
    with pytest.raises(ServerError):
        play.take(do.show_profile(play.core))
    assert play.now <= 1010
    left = [send.seconds for send in play.sent]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 3


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_it_is_sent_again_as_often_as_allowed_and_no_more(retries):
    play = Play(*[UNSENT] * 20, auth=AUTH, retries=retries)
    with pytest.raises(ConnectionFailedError):
        play.take(do.show_profile(play.core))
    assert len(play.sent) == 1 + retries


def test_waits_differ_from_client_to_client():
    def first_wait() -> float:
        play = Play(UNSENT, DONE, auth=AUTH)
        play.take(do.show_profile(play.core))
        return play.pauses[0]

    assert len({first_wait() for _ in range(10)}) > 5
