"""What Harness's replies are taken for: pages in its three shapes, verdicts, and refusals in words."""

import base64

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, get

HARNESS = CONNECTORS["harness"]


def reply(status, body=None, /, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, msgspec.json.encode(body))


def asked(name, **arguments):
    tool = HARNESS.tools[name]
    return tool.request(tool.arguments.check(arguments))


PROJECT = {"org_identifier": "default", "project_identifier": "payments"}
NG = {"status": "SUCCESS", "data": {"totalPages": 3, "totalItems": 5, "content": [1, 2], "pageIndex": 0}}
SPRING = {"status": "SUCCESS", "data": {"content": [1, 2], "totalPages": 3, "totalElements": 5, "number": 0}}
FLAGS = {"features": [1, 2], "itemCount": 5, "pageCount": 3, "pageIndex": 0, "pageSize": 2}


@pytest.mark.parametrize(
    ("name", "arguments", "body", "number", "size"),
    [
        ("list_organizations", {}, NG, "pageIndex", "pageSize"),
        ("list_pipelines", PROJECT, SPRING, "page", "size"),
        ("list_feature_flags", PROJECT, FLAGS, "pageNumber", "pageSize"),
    ],
)
def test_pages_are_followed_to_the_last_under_each_pair_of_names(name, arguments, body, number, size):
    tool = HARNESS.tools[name]
    request = asked(name, **arguments, limit=2)
    assert (request.query[number], request.query[size]) == ("0", "2")
    page = tool.page(reply(200, body), request)
    assert (page.items, page.rest) == ([1, 2], {"total": 5})
    second = asked(name, **arguments, cursor=page.next_cursor)
    assert (second.query[number], second.query[size]) == ("1", "2")
    third = asked(name, **arguments, cursor=tool.page(reply(200, body), second).next_cursor)
    assert (third.query[number], third.query[size]) == ("2", "2")
    assert tool.page(reply(200, body), third).next_cursor is None


@pytest.mark.parametrize(
    "body", [{"data": {}}, {"data": {"totalPages": "3"}}, {"data": None}, {}, {"data": {"content": []}}]
)
def test_a_page_that_does_not_say_how_many_there_are_is_the_last(body):
    page = HARNESS.tools["list_projects"].page(reply(200, body), asked("list_projects"))
    assert (page.items, page.next_cursor, page.rest) == ([], None, {})


def test_an_answer_that_is_no_object_is_given_as_it_is():
    assert HARNESS.tools["list_projects"].page(reply(200, [1]), asked("list_projects")).items == [1]


def test_another_size_in_the_middle_of_a_list_is_refused():
    cursor = HARNESS.tools["list_projects"].page(reply(200, NG), asked("list_projects", limit=2)).next_cursor
    with pytest.raises(Invalid, match="limit: must stay 2"):
        asked("list_projects", cursor=cursor, limit=3)


@pytest.mark.parametrize(
    "place", ["page=0&size=9", "page=1&size=0", "page=1&size=101", "page=1", "page=1&size=9&x=1", "page=x&size=9"]
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        asked("list_projects", cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


@pytest.mark.parametrize(
    ("data", "account", "words"),
    [
        ({"email": "ana@example.com", "name": "Ana", "uuid": "u"}, "ana@example.com", "belongs to ana@example.com"),
        ({"identifier": "kmpy", "name": "Example"}, "Example", "service account's in the account Example"),
        ({"identifier": "kmpy", "name": ""}, "kmpy", "account kmpy"),
    ],
)
def test_a_token_is_valid_with_whom_it_belongs_to(data, account, words):
    verdict = HARNESS.judge(reply(200, {"status": "SUCCESS", "data": data}))
    assert (verdict.status, verdict.identity.account) == ("valid", account)
    assert words in verdict.reason


@pytest.mark.parametrize(
    "body",
    [
        {"status": "SUCCESS"},
        {"status": "SUCCESS", "data": {}},
        {"status": "ERROR", "data": {"email": "ana@example.com"}},
        {"data": {"email": "ana@example.com"}},
    ],
)
def test_a_success_that_names_nobody_proves_no_token(body):
    assert HARNESS.judge(reply(200, body)).status == "unknown"


@pytest.mark.parametrize(
    ("status", "code", "standing"),
    [
        (401, "INVALID_TOKEN", "invalid"),
        (401, "EXPIRED_TOKEN", "invalid"),
        (401, None, "invalid"),
        (400, "INVALID_TOKEN", "invalid"),
        (400, "EXPIRED_TOKEN", "invalid"),
        (400, "INVALID_REQUEST", "unknown"),
        (400, 7, "unknown"),
        (403, "NG_ACCESS_DENIED", "valid"),
        (403, None, "unknown"),
        (404, "RESOURCE_NOT_FOUND", "unknown"),
        (429, "RATE_LIMIT", "unknown"),
        (500, "UNKNOWN_ERROR", "unknown"),
    ],
)
def test_a_token_is_called_invalid_only_when_harness_says_so(status, code, standing):
    verdict = HARNESS.judge(reply(status, {"status": "ERROR", "code": code, "message": "x"}))
    assert (verdict.status, verdict.identity) == (standing, None)


def test_an_end_is_told_from_a_mistake():
    reasons = [HARNESS.judge(reply(401, {"code": code})).reason for code in ("EXPIRED_TOKEN", "INVALID_TOKEN")]
    assert ["expired" in reason for reason in reasons] == [True, False]


def explained(status, body=None, /, **headers):
    return HARNESS.explain(reply(status, body, **headers))


def test_code_message_and_fields_are_told():
    body = {
        "status": "FAILURE",
        "code": "INVALID_REQUEST",
        "message": "Validation failed",
        "correlationId": "c",
        "errors": [{"fieldId": "identifier", "error": "must not be null"}, {"fieldId": 7, "error": 7}, 7],
    }
    assert explained(400, body).message == (
        "Harness answered 400 INVALID_REQUEST: Validation failed; identifier must not be null; is not valid"
    )
    assert explained(502, {"message": " <html>Bad gateway"}).message == "Harness answered 502."


def test_what_is_wrong_with_a_definition_is_told_with_its_place():
    errors = [
        {"message": "type: is missing", "messageWithFQN": "$.pipeline.stages[0].stage.type: is missing", "fqn": "x"},
        {"message": "$.pipeline.name: is too long", "messageWithFQN": ""},
        {"messageWithFQN": 7},
        7,
    ]
    body = {"code": "SCHEMA_VALIDATION_FAILED", "message": "Invalid yaml", "metadata": {"schemaErrors": errors}}
    assert explained(400, body).message == (
        "Harness answered 400 SCHEMA_VALIDATION_FAILED: Invalid yaml; $.pipeline.stages[0].stage.type: is missing; "
        "$.pipeline.name: is too long"
    )


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (301, None, "base_url"),
        (400, None, "identifiers (not names)"),
        (400, "DUPLICATE_FIELD", "identifier is taken"),
        (400, "EXPIRED_TOKEN", "POST /api/v1/credentials"),
        (400, "ENTITY_NOT_FOUND", "list_projects"),
        (401, None, "POST /api/v1/credentials"),
        (403, "NG_ACCESS_DENIED", "roles lack the permission"),
        (404, None, "list_projects"),
        (409, None, "changed meanwhile"),
        (418, "X", "Correct the arguments"),
        (500, "UNKNOWN_ERROR", "whether it took effect"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, code, words):
    assert words in explained(status, {"code": code}).next_step


def test_a_limit_without_a_time_asks_for_a_minute():
    assert explained(429).retry_after == 60
    assert explained(429, None, retry_after="17").retry_after == 17


ADDRESS = (
    "https://app.harness.io/gateway/pipeline/api/webhook/custom/zVxFh2A9TtiR_%s?accountIdentifier=a&triggerIdentifier=t"
)
TRIGGER = {"identifier": "t", "webhookUrl": ADDRESS % "x/v3", "webhookCurlCommand": f"curl --url '{ADDRESS % 'x/v3'}'"}


@pytest.mark.parametrize("data", [TRIGGER, {"content": [{"identifier": "u"}, TRIGGER]}])
def test_the_address_that_starts_a_pipeline_is_shown_without_its_secret(data):
    answer = HARNESS.translate(get("/pipeline/api/triggers"), reply(200, {"status": "SUCCESS", "data": data}))

    assert b"zVxFh2A9TtiR" not in answer.body
    assert answer.body.count(b"/webhook/custom/[secret removed]/v3?accountIdentifier=a&triggerIdentifier=t") == 2
    assert answer.json()["status"] == "SUCCESS"


def test_an_address_without_a_secret_is_left_as_it_is():
    told = {"webhookUrl": "https://app.harness.io/gateway/pipeline/api/webhook/custom/v2?accountIdentifier=a"}

    assert HARNESS.translate(get("/pipeline/api/triggers"), reply(200, told)) == reply(200, told)


def test_what_reports_a_change_to_a_monitored_service_is_not_shown():
    spec = {"name": "ours", "authorizationToken": "zVxFh2A9", "webhookCurlCommand": "curl -H 'X-Api-Key: zVxFh2A9'"}

    answer = HARNESS.translate(get("/cv/api/monitored-service/s"), reply(200, {"data": {"sources": [{"spec": spec}]}}))

    assert answer.json() == {"data": {"sources": [{"spec": {"name": "ours"}}]}}
