"""What holds for every connector in the folder; a new one is judged here without a line more."""

import re
from itertools import product
from typing import get_args, get_type_hints
from urllib.parse import quote, urlsplit

import jsonschema
import msgspec
import pytest
from pyreqwest.http import Url

from devmesh.errors import Invalid
from devmesh.upstream.model import Reply

HOSTILE = (
    "../secrets",
    "..",
    ".",
    "",
    "/",
    "a/../../user",
    "..\\user",
    "a?admin=true",
    "a#b",
    "%2e%2e",
    "%2e%2e%2fuser",
    "..%2f..%2fuser",
    "..;/user",
    "//evil.example/x",
    "https://evil.example/x",
    "@evil.example",
    "a b",
    "a\tb",
    "a\r\nHost: evil.example",
    "a\x00b",
    "ä/ö",
    "a%",
    "\u202e",
    "\ud800",
    "x/protection",
)
# What these delete can be given again as it was.
GIVEN_BACK = ("bitbucket.unapprove_pull_request",)
# What these write takes the place of what was there.
OVERWRITING = {
    *("artifactory.copy_item", "artifactory.deploy_artifact", "artifactory.deploy_by_checksum"),
    *("aws.put_item", "aws.put_object", "jenkins.update_job_config"),
}
WRONG = {
    "string": [7, True, ["x"], {"x": 1}, 1.5],
    "integer": ["7", True, 1.5, [1]],
    "boolean": ["true", 1, 0],
    "array": ["x", 1, {"x": 1}],
    "object": ["x", 1],
}


def reply(status, body=b"", kind="application/json", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": kind, **names}, body)


# Of fields whose values are checked before anything is sent.
_VALUES = {"region": "eu-central-1"}


def credentials(connector):
    """Return the fields of a credential in each of the forms that the service takes."""
    common = [field.name for field in connector.fields if field.required and not field.metadata]
    return [
        {name: _VALUES.get(name, f"value-of-{name}") for name in (*common, *form)} for form in connector.forms or ((),)
    ]


def test_names_are_words_that_every_client_takes(connector):
    names = [connector.name, *connector.tools, *(field.name for field in connector.fields)]
    assert [name for name in names if not re.fullmatch("[a-z][a-z0-9_]*", name)] == []
    assert [name for name, tool in connector.tools.items() if tool.name != f"{connector.name}.{name}"] == []


def test_a_credential_has_a_secret_and_whatever_sounds_like_one_is_one(connector):
    secrets = {field.name for field in connector.fields if field.secret}
    assert secrets
    sounding = {field.name for field in connector.fields if re.search("token|key|secret|password", field.name)}
    assert sounding - {"access_key", "session_token"} <= secrets
    assert [field.name for field in connector.fields if field.secret and field.metadata] == []


def test_the_base_url_is_an_https_origin_and_can_be_replaced(connector):
    named = [field for field in connector.fields if field.name == "base_url"]
    if connector.root is not None:
        assert [(field.metadata, field.required) for field in named] == [(True, False)]
        return
    if connector.base_url is None:
        assert [(field.metadata, field.required) for field in named] == [(True, True)]
        return
    parts = urlsplit(connector.base_url)
    assert (parts.scheme, parts.query, parts.fragment, parts.username) == ("https", "", "", None)
    assert not connector.base_url.endswith("/")
    assert all(field.metadata and not field.required for field in named)


def test_every_form_of_a_credential_goes_into_headers_and_its_secrets_nowhere_else(connector):
    for fields in credentials(connector):
        secrets = [fields[field.name] for field in connector.fields if field.secret and field.name in fields]
        request, base_url, headers = connector.outgoing(connector.probing(fields), fields, None)
        assert headers
        assert all(name == name.lower() for name in (*headers, *connector.headers))
        assert not any(secret in f"{msgspec.to_builtins(request)}{base_url}" for secret in secrets)


def test_the_probe_reads(connector):
    for fields in credentials(connector):
        assert connector.probing(fields).method in ("GET", "POST")
        assert connector.probing(fields).path.startswith("/")


def test_no_form_of_a_credential_names_a_field_that_there_is_not(connector):
    optional = {field.name for field in connector.fields if not field.required and not field.metadata}
    assert {name for form in connector.forms for name in form} <= optional


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_service_in_trouble_says_nothing_of_the_credential(connector, status):
    verdict = connector.judge(reply(status, b"<html>busy</html>", "text/html"))
    assert (verdict.status, verdict.identity) == ("unknown", None)
    assert verdict.reason


@pytest.mark.parametrize(("status", "body"), [(401, b"{}"), (403, b"{}"), (404, b""), (301, b"")])
def test_a_refusal_proves_no_credential(connector, status, body):
    verdict = connector.judge(reply(status, body))
    assert verdict.status != "valid"
    assert verdict.reason


@pytest.mark.parametrize("body", [b"", b"<html>welcome</html>", b"[]", b"null", b"{}", b"{", b"[" * 100_000, b"\xff"])
def test_a_success_that_is_not_the_services_own_is_not_valid(connector, body):
    assert connector.judge(reply(200, body)).status != "valid"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>" + b"x" * 100_000,
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"message": 1, "errors": 2, "error": {}}',
        b'{"errors": [1, null, "x", {}, {"field": []}], "message": null, "error": []}',
        b'{"message": "' + b"m" * 100_000 + b'", "error": "' + b"m" * 100_000 + b'"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_every_refusal_is_put_into_bounded_words(connector, body):
    for status in (301, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 429, 451, 500, 503, 599):
        failure = connector.explain(reply(status, body))
        assert 10 < len(failure.message) < 4000
        assert 10 < len(failure.next_step) < 1000
        assert "\n" not in failure.message
        assert failure.retry_after is None or 0 <= failure.retry_after < 10**9


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_no_refusal_repeats_a_credential_that_the_service_sends_back(connector, status):
    secret = "s3cr3t-t0ken-value"
    body = f'{{"request": {{"authorization": "Bearer {secret}"}}, "token": "{secret}", "message": "no"}}'.encode()
    json = connector.explain(reply(status, body, authorization=f"Bearer {secret}", set_cookie=secret))
    html = connector.explain(reply(status, b"<p>" + secret.encode(), "text/html"))
    assert secret not in f"{json}{html}"


@pytest.mark.parametrize(
    "value",
    ["-1", "soon", "", "1e9", "9" * 30, "Wed, 21 Oct 2015 07:28:00 GMT", f"Wed, 21 Oct 2015 07:28:00 +{'9' * 15}"],
)
def test_a_strange_retry_after_is_survived(connector, value):
    failure = connector.explain(reply(429, b"{}", retry_after=value))
    assert failure.retry_after is None or failure.retry_after >= 0


def test_a_wait_that_the_service_names_is_passed_on_in_seconds(connector):
    assert connector.explain(reply(429, b"{}", retry_after="17")).retry_after >= 17


def test_a_tool_says_what_it_does_and_what_each_argument_is(tool):
    assert len(tool.description) >= 40
    bare = [name for name, member in tool.arguments.schema["properties"].items() if not member.get("description")]
    assert bare == []
    assert [name for name in tool.arguments.schema["properties"] if not re.fullmatch("[a-z][a-z0-9_]*", name)] == []


def test_a_tools_schema_is_json_schema_and_takes_its_samples(tool, complete, minimal):
    schema = tool.arguments.schema
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    for values in (complete, minimal):
        jsonschema.validate(values, schema, jsonschema.Draft202012Validator)


def test_an_argument_with_a_pattern_gives_an_example_of_it(tool):
    for name, member in tool.arguments.schema["properties"].items():
        if "pattern" in member:
            assert all(re.search(member["pattern"], text) for text in member["examples"]), name


def test_the_samples_build_a_request_with_a_plain_path(tool, complete):
    request = tool.request(tool.arguments.check(complete))
    assert Url(f"https://service.example{request.path}").path == request.path
    assert all(name == name.lower() for name in request.headers)
    assert sum(body is not None for body in (request.json, request.form, request.content)) <= 1
    msgspec.json.encode(request.json)


def test_a_required_argument_left_out_is_named(tool, minimal):
    for name in tool.arguments.schema.get("required", ()):
        with pytest.raises(Invalid) as refusal:
            tool.arguments.check({key: value for key, value in minimal.items() if key != name})
        assert name in {fault.field for fault in refusal.value.faults}


def test_an_unknown_argument_is_refused(tool, minimal):
    with pytest.raises(Invalid) as refusal:
        tool.arguments.check({**minimal, "no_such_argument": 1})
    assert [fault.field for fault in refusal.value.faults] == ["no_such_argument"]


def test_a_wrong_type_is_refused_before_anything_is_built(tool, complete):
    for name, member in tool.arguments.schema["properties"].items():
        kinds = (
            {one.get("type", "string") for one in member.get("anyOf", [member])} if member.keys() - {"$ref"} else set()
        )
        for wrong in (value for kind in kinds for value in WRONG[kind]):
            if "anyOf" in member and any(
                jsonschema.Draft202012Validator(one).is_valid(wrong) for one in member["anyOf"]
            ):
                continue
            with pytest.raises(Invalid) as refusal:
                tool.arguments.check({**complete, name: wrong})
            assert refusal.value.faults[0].field.startswith(name)


def test_a_wrong_member_of_an_argument_is_named_by_its_place(tool, complete):
    for name, value in complete.items():
        if isinstance(value, list):
            with pytest.raises(Invalid) as refusal:
                tool.arguments.check({**complete, name: [*value, object()]})
            assert refusal.value.faults[0].field == f"{name}[1]"


def test_no_argument_changes_the_route(tool, complete):
    plain = tool.request(tool.arguments.check(complete)).path
    texts = {name: quote(value, safe="/") for name, value in complete.items() if isinstance(value, str)}
    # A tool whose path is itself an argument has a test of its own.
    within = {} if tool.safe else {name: encoded for name, encoded in texts.items() if encoded in plain}
    for name, hostile in product(within, HOSTILE):
        before, _, after = plain.partition(within[name])
        try:
            path = tool.request(tool.arguments.check({**complete, name: hostile})).path
        except Invalid:
            continue
        assert path.startswith(before.rsplit("/", 1)[0])
        assert path.endswith(after)
        assert_plain(path)


def assert_plain(path):
    """The parser that connects, and one that decodes first, both see the very path that was built."""
    url = Url(f"https://service.example/base{path}")
    assert (url.path, url.query_string, url.fragment, url.host_str) == (f"/base{path}", None, None, "service.example")
    assert "//" not in path
    assert not {".", ".."} & set(path.lower().replace("%2e", ".").replace("%2f", "/").split("/"))


def test_reads_and_only_reads_are_hinted_as_such(tool, complete):
    request = tool.request(tool.arguments.check(complete))
    if request.method in ("GET", "HEAD"):
        assert tool.may_read
        assert tool.reads(request)
    if request.method == "DELETE":
        assert not tool.read_only
        assert tool.destructive == (tool.name not in GIVEN_BACK)
    assert tool.destructive or tool.name not in OVERWRITING
    assert tool.idempotent or not tool.read_only
    assert not (tool.read_only and tool.destructive)


def test_a_list_takes_a_limit_and_a_cursor_and_a_read_takes_fields(tool):
    names = set(tool.arguments.schema["properties"])
    paged = tool.items is not None and tool.paging is not None
    assert ({"limit", "cursor"} <= names) == paged
    assert ("fields" in names) == tool.projects
    assert not names & {"per_page", "page", "offset", "start_at", "page_size"}


def test_a_cursor_that_was_never_given_is_refused(listing, samples):
    required = samples(listing, optional=False)
    for cursor in ("", "garbage", "https://evil.example/?page=2", "../..", "\x00", "é", "=", "99999999999999999999"):
        with pytest.raises(Invalid) as refusal:
            listing.request(listing.arguments.check({**required, "cursor": cursor}))
        assert refusal.value.faults[0].field == "cursor", cursor


def test_bounds_stand_where_the_schema_shows_them(tool):
    """A bound on `int | None` as a whole would be shown nowhere and refuse None."""
    for name, hint in get_type_hints(tool.build, include_extras=True).items():
        bounds = [meta for meta in get_args(hint)[1:] if isinstance(meta, msgspec.Meta)]
        optional = name != "return" and type(None) in get_args(get_args(hint)[0] if bounds else hint)
        limits = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
        assert not (optional and any(getattr(meta, limit) is not None for meta in bounds for limit in limits)), name
