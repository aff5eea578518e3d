"""What AWS says of a key is what is said of it, and a refusal is told with the next step."""

import json

import pytest

from connectors.aws_world import AWS, identity, sts_error, translated
from devmesh.upstream.model import Reply


def verdict(body, status=200):
    return AWS.judge(translated(AWS.probe, body, status))


def test_a_good_key_is_valid_and_says_whose_it_is():
    told = verdict(identity("arn:aws:iam::123456789012:user/ada"))
    assert (told.status, told.identity.account) == ("valid", "arn:aws:iam::123456789012:user/ada")
    assert (told.identity.scopes, told.identity.expires_at) == (None, None)


@pytest.mark.parametrize("arn", ["", "ada", "<b/>"])
def test_an_answer_without_an_arn_is_not_aws(arn):
    assert verdict(identity(arn)).status == "unknown"


@pytest.mark.parametrize(
    ("code", "said"),
    [("InvalidClientTokenId", "access_key"), ("SignatureDoesNotMatch", "secret_key"), ("ExpiredToken", "expired")],
)
def test_what_aws_says_of_a_bad_key_is_invalid(code, said):
    told = verdict(sts_error(code, "words of AWS"), 403)
    assert told.status == "invalid"
    assert said in told.reason


@pytest.mark.parametrize(
    "message",
    [
        "Signature expired: 20261122T100000Z is now earlier than 20261122T101500Z (20261122T102000Z - 5 min.)",
        "Signature not yet current: 20261122T103000Z is still later than 20261122T102500Z",
    ],
)
def test_a_wrong_clock_says_nothing_of_the_key(message):
    told = verdict(sts_error("SignatureDoesNotMatch", message), 403)
    assert told.status == "unknown"
    assert "clock" in told.reason


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((400, "Throttling"), (403, "AccessDenied"), (400, "IncompleteSignature"), (500, "InternalFailure")),
        *((503, "ServiceUnavailable"), (400, "RequestExpired"), (500, "InvalidClientTokenId"), (302, "ExpiredToken")),
    ],
)
def test_any_other_refusal_is_unknown(status, code):
    assert verdict(sts_error(code, "words"), status).status == "unknown"


def refused(status, code, message="", **more):
    """Return a refusal as it is translated."""
    body = json.dumps({"Error": {"Code": code, "Message": message, **more}}).encode()
    return Reply(status, {"content-type": "application/json"}, body)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "Throttling"),
        (400, "ThrottlingException"),
        (503, "SlowDown"),
        (503, "RequestLimitExceeded"),
        (429, "Other"),
    ],
)
def test_what_is_too_much_names_a_time_to_wait(status, code):
    failure = AWS.explain(refused(status, code, "Rate exceeded"))
    assert failure.retry_after == 5
    assert "5 seconds" in failure.next_step


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "policy"),
        (400, "AccessDeniedException", "policy"),
        (403, "UnauthorizedOperation", "policy"),
        (403, "ExpiredToken", "expired"),
        (400, "ExpiredTokenException", "expired"),
        (400, "UnrecognizedClientException", "access key"),
        (403, "InvalidAccessKeyId", "access key"),
        (401, "AuthFailure", "access key"),
        (403, "RequestTimeTooSkewed", "clock"),
        (404, "NoSuchBucket", "region"),
        (400, "ResourceNotFoundException", "region"),
        (412, "PreconditionFailed", "condition"),
        (400, "ValidationError", "Correct the arguments"),
    ],
)
def test_a_refusal_says_the_next_step(status, code, said):
    failure = AWS.explain(refused(status, code, "words of AWS"))
    assert failure.message == f"AWS answered {status} {code}: words of AWS"
    assert said in failure.next_step
    assert failure.retry_after is None


@pytest.mark.parametrize(
    "message",
    [
        "It does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:{}'",
        "It does not match. The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n{}'",
    ],
)
def test_what_was_signed_is_not_repeated(message):
    token = "session-token-in-clear"
    failure = AWS.explain(refused(403, "InvalidSignatureException", message.format(token)))
    assert token not in str(failure)
    assert "It does not match." in failure.message
