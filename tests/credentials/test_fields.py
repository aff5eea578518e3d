"""Which fields a credential consists of, stored and passed through."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from devmesh import app
from devmesh.connectors import CONNECTORS
from devmesh.credentials import fields
from devmesh.credentials.model import PassthroughIncomplete
from devmesh.crypto.tokens import new_api_key
from devmesh.upstream.model import Connector, Failure, Field, Verdict, bearer, get

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

ADA = "ghp_adas_token_000000"
PATH = "/api/v1/credentials"
FORGE = Connector(
    name="forge",
    title="Forge",
    base_url=None,
    fields=(
        Field("region"),
        Field("username", required=False),
        Field("app_password", secret=True, required=False),
        Field("email", required=False),
        Field("token", secret=True, required=False),
        Field("session", secret=True, required=False),
        Field("base_url", metadata=True),
    ),
    auth=bearer("token"),
    probe=get("/"),
    judge=lambda _reply: Verdict("unknown", ""),
    explain=lambda _reply: Failure("", ""),
    forms=(("username", "app_password"), ("email", "token"), ("token",)),
)
SETS = "either username and app_password, or email and token, or token"
# The guide's table: what it asks for is taken as it is printed.
GUIDE: dict[str, tuple[tuple[str, ...], ...]] = {
    "github": (("token",),),
    "harness": (("token", "account_id"),),
    "jira": (("email", "api_token"),),
    "gitlab": (("token",),),
    "bitbucket": (("username", "app_password"),),
    "jenkins": (("username", "api_token"),),
    "sonarqube": (("token",),),
    "artifactory": (("api_key",), ("token",)),
    "confluence": (("email", "api_token"),),
    "aws": (("access_key", "secret_key", "region"),),
    "snyk": (("token",),),
    "slack": (("token",),),
}
# With artifactory's, which has no address that would suit everybody, though the guide names none.
# Where not every value will do.
VALUES = {"region": "us-east-1"}
WITH_BASE_URL = {"jira", "jenkins", "sonarqube", "confluence", "artifactory"}


def said(names: tuple[str, ...], **metadata: Any) -> set[tuple[str, str]]:
    given = {"base_url": "https://forge.example", **metadata}
    found = fields.faults(FORGE, dict.fromkeys(("region", *names), "value"), given)
    return {(fault.field, fault.message) for fault in found}


@pytest.mark.parametrize("whole", [(*form, *more) for form in FORGE.forms for more in ((), ("session",))])
def test_one_whole_set_is_taken_and_what_belongs_to_none_beside_it(whole: tuple[str, ...]):
    assert said(whole) == set()
    passed = {name: f"the {name}" for name in ("region", *whole)}
    chosen = fields.passed(FORGE, {**passed, "base_url": "https://forge.example"})
    assert (chosen.fields, chosen.base_url, chosen.id) == (passed, "https://forge.example", None)


def test_nothing_but_a_whole_set_is_taken():
    names = ("username", "app_password", "email", "token")
    subsets = [some for size in range(5) for some in itertools.combinations(names, size)]
    taken = [some for some in subsets if not said(some)]
    assert sorted(map(sorted, taken)) == sorted(map(sorted, FORGE.forms))


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ((), {("credentials.token", f"required: give {SETS}")}),
        (("username",), {("credentials.app_password", f"required: give {SETS}")}),
        (("email",), {("credentials.token", f"required: give {SETS}")}),
        (("username", "token"), {("credentials", f"username and token do not go together: give {SETS}")}),
        (
            ("username", "app_password", "token"),
            {("credentials", f"username and app_password and token do not go together: give {SETS}")},
        ),
        (
            ("tokn", "token"),
            {("credentials.tokn", "unknown; Forge takes region, username, app_password, email, token, session")},
        ),
        (("base_url", "token"), {("credentials.base_url", "belongs into metadata")}),
    ],
)
def test_each_field_that_is_missing_or_unknown_is_named_and_the_sets_are(
    given: tuple[str, ...], faults: set[tuple[str, str]]
):
    assert said(given) == faults


def test_metadata_that_is_required_is_named_and_a_secret_in_it_is_refused():
    without = {fault.field for fault in fields.faults(FORGE, {"region": "x", "token": "x"}, {})}
    assert without == {"metadata.base_url"}
    assert {field for field, _ in said(("token",), token="x", username="x")} == {"metadata.token"}


SECRET = 'a "secret" \\ of it'


@pytest.mark.parametrize("member", [SECRET, f"my {SECRET}!", {"note": [SECRET]}])
def test_metadata_that_repeats_a_secret_is_refused_and_the_secret_not_shown(member: Any):
    metadata = {"base_url": "https://forge.example", "description": member, "owner": "me"}
    found = list(fields.faults(FORGE, {"region": "everywhere", "token": SECRET}, metadata))
    assert [fault.field for fault in found] == ["metadata.description"]
    assert 'secret" of it' not in found[0].message


def test_metadata_may_repeat_what_is_no_secret_or_too_short_to_be_told():
    metadata = {"base_url": "https://forge.example", "email": "ada@example.com", "description": "short"}
    given = {"region": "everywhere", "email": "ada@example.com", "token": "short"}
    assert list(fields.faults(FORGE, given, metadata)) == []


def test_a_key_of_this_gateway_is_no_services_credential():
    key = new_api_key("agent")
    metadata = {"base_url": "https://forge.example"}
    [fault] = fields.faults(FORGE, {"region": "x", "token": key}, metadata)
    assert (fault.field, "is a key of this gateway" in fault.message) == ("credentials.token", True)
    with pytest.raises(PassthroughIncomplete, match="token is a key of this gateway") as refusal:
        fields.passed(FORGE, {"region": "x", "base_url": "u", "token": key})
    assert key not in str(refusal.value.detail)
    mistyped = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert list(fields.faults(FORGE, {"region": "x", "token": mistyped}, metadata)) == []


@pytest.mark.parametrize(("length", "message"), [(16_384, None), (16_385, "must be at most 16384 characters")])
def test_a_value_that_is_too_long_is_told_so(length: int, message: str | None):
    found = fields.faults(FORGE, {"region": "x", "token": "t" * length}, {"base_url": "https://forge.example"})
    assert [fault.message for fault in found] == ([message] if message else [])


def test_how_to_connect_names_every_set():
    text = fields.how_to_connect(FORGE, passthrough=True)
    # The address is needed with each of them: after the last "or" it would seem to belong to that set alone.
    assert f"region and metadata.base_url and {SETS};" in text
    assert "X-Service-Forge-Region, X-Service-Forge-Base-Url, X-Service-Forge-Username" in text


@pytest.mark.parametrize(
    ("passed", "named"),
    [
        ({"token": "x"}, ("region required", "base_url required")),
        ({"region": "x", "base_url": "https://forge.example"}, ("token required", SETS)),
        ({"region": "x", "base_url": "u", "token": "x", "username": "x"}, ("do not go together", SETS)),
        ({"region": "x", "base_url": "u", "token": "x", "tokn": "x"}, ("tokn unknown",)),
        ({"base_url": "https://evil.example"}, ("region required", "token required")),
    ],
)
def test_a_passed_set_that_is_not_whole_is_refused_naming_why(passed: dict[str, str], named: tuple[str, ...]):
    with pytest.raises(PassthroughIncomplete) as refusal:
        fields.passed(FORGE, passed)
    assert all(name in refusal.value.detail for name in named)
    assert f"Send region and base_url and {SETS}, each as a header" in refusal.value.hint


@pytest.mark.parametrize("service", sorted(GUIDE.keys() & CONNECTORS.keys()))
def test_the_guides_fields_are_taken_as_printed(service: str):
    connector = CONNECTORS[service]
    metadata = {"base_url": f"https://{service}.example"} if service in WITH_BASE_URL else {}
    for names in GUIDE[service]:
        whole = {name: VALUES.get(name, "value") for name in names}
        assert list(fields.faults(connector, whole, metadata)) == []
        for left_out in names:
            rest = {name: value for name, value in whole.items() if name != left_out}
            assert f"credentials.{left_out}" in {fault.field for fault in fields.faults(connector, rest, metadata)} or (
                service == "artifactory"
            )
    if metadata:
        (fault,) = fields.faults(connector, dict.fromkeys(GUIDE[service][0], "value"), {})
        assert fault.field == "metadata.base_url"


@pytest.mark.parametrize(
    ("service", "credentials", "metadata", "field"),
    [
        ("slack", {"token": "xoxc-1-2-3"}, {}, "credentials.token"),
        ("sonarqube", {"token": "x", "scheme": "digest"}, {"base_url": "https://s.example"}, "credentials.scheme"),
        ("aws", {"access_key": "x", "secret_key": "x", "region": "eu-wset-1"}, {}, "credentials.region"),
    ],
)
def test_what_no_service_could_take_is_refused_before_it_is_stored(service, credentials, metadata, field):
    (fault,) = fields.faults(CONNECTORS[service], credentials, metadata)
    assert fault.field == field
    named = field.partition(".")[2]
    assert credentials[named] not in fault.message
    # What is missing or unknown is told first, for the rest may hang on it.
    found = {one.field for one in fields.faults(CONNECTORS[service], {**credentials, "tokn": "x"}, metadata)}
    assert found == {"credentials.tokn"}


@pytest.mark.parametrize("service", sorted(CONNECTORS))
def test_a_field_that_the_service_does_not_know_is_refused(service: str):
    found = {fault.field for fault in fields.faults(CONNECTORS[service], {"no_such_field": "x"}, {})}
    assert "credentials.no_such_field" in found


@pytest.mark.parametrize(
    "body",
    [
        {
            "service_type": "harness",
            "credentials": {
                "token": "pat.Qn7GW44bQcm65PEEowLdaA.68d2989695a4245aec56dc1f.9yAOwvaNYub9IzO77I6d",
                "account_id": "your-harness-account-id",
            },
            "scopes": ["account:view", "pipeline:view", "pipeline:edit", "pipeline:execute", "service:view"],
            "metadata": {"description": "Harness PAT for pipeline management"},
        },
        {
            "service_type": "jira",
            "credentials": {"email": "your-email@company.com", "api_token": "ATATT3xFfGF0..."},
            "metadata": {
                "base_url": "https://your-company.atlassian.net",
                "description": "Jira API token for issue management",
            },
        },
    ],
    ids=lambda body: body["service_type"],
)
async def test_the_guides_requests_are_answered_as_printed(organization: Organization, body: dict[str, Any]):
    status, stored = await organization.ask("POST", PATH, body)
    assert (status, stored["service_type"], stored["metadata"]) == (201, body["service_type"], body["metadata"])
    _, listed = await organization.ask("GET", PATH)
    assert (listed["count"], listed["credentials"][0]["id"]) == (1, stored["id"])


async def test_a_base_url_is_changed_only_together_with_the_secret(organization: Organization, github: GitHub):
    stored = await organization.connect(github, ADA)
    elsewhere = {"service_type": "github", "metadata": {"base_url": "https://evil.example"}}
    for body in (elsewhere, {**elsewhere, "credentials": {}}):
        assert (await organization.ask("POST", PATH, body))[0] == 422
    for method in ("PATCH", "PUT", "POST"):
        assert (await organization.ask(method, f"{PATH}/github", elsewhere))[0] == 405
    assert (await organization.ask("GET", f"{PATH}/github"))[1]["id"] == stored["id"]
    result = await organization.call("github.get_authenticated_user")
    assert result["structuredContent"]["login"] == "ada"


def test_one_route_alone_takes_what_a_credential_consists_of():
    taking = [
        (sorted(handler.http_methods), path)
        for handler in app._ROUTES
        for path in handler.paths
        if path.startswith("/credentials") and handler.opt["plan"].body is not None
    ]
    assert taking == [(["POST"], "/credentials")]


async def test_each_connection_goes_to_an_address_that_is_checked_anew(organization: Organization):
    """A name that resolves to somewhere else by then is refused then: what was checked when stored is not trusted."""
    guard = organization.mesh.app.sender._guard
    answers = [["93.184.216.34"], ["10.0.0.1"]]
    resolve, guard._resolve = guard._resolve, lambda _host, _port: _answer(answers)
    try:
        body = {
            "service_type": "github",
            "credentials": {"token": ADA},
            "metadata": {"base_url": f"https://rebinding-{organization.slug}.example"},
        }
        assert (await organization.ask("POST", PATH, body))[0] == 201
        guard._checked.clear()
        result = await organization.call("github.get_authenticated_user")
        assert result["_meta"]["code"] == "upstream_address_refused"
    finally:
        guard._resolve = resolve
    assert answers == []


async def _answer(answers: list[list[str]]) -> list[str]:
    return answers.pop(0)
