"""What only Bitbucket's requests have: braces, nested bodies, files in a form; and call_api with its bounds."""

from urllib.parse import parse_qsl

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

BITBUCKET = CONNECTORS["bitbucket"]
TOOL = BITBUCKET.tools["call_api"]
REPOSITORY = {"workspace": "my-team", "repo_slug": "hello-world"}
UUID = "2d1b6b0e-5a3c-4c0e-9a5e-0d6f6c1e7a10"


def built(name, **arguments):
    tool = BITBUCKET.tools[name]
    return tool.request(tool.arguments.check({**REPOSITORY, **arguments}))


def called(method, path, **arguments):
    return TOOL.request(TOOL.arguments.check({"method": method, "path": path, **arguments}))


def test_a_pipeline_is_named_in_encoded_braces_whether_they_were_given_or_not():
    paths = {built("get_pipeline", pipeline_uuid=uuid).path for uuid in (UUID, f"{{{UUID}}}")}
    assert paths == {f"/2.0/repositories/my-team/hello-world/pipelines/%7B{UUID}%7D"}


@pytest.mark.parametrize("uuid", ["7", "{}", f"{UUID}/../x", "{" + UUID[:-1], "last"])
def test_a_pipeline_that_is_no_uuid_is_refused(uuid):
    with pytest.raises(Invalid, match="pipeline_uuid"):
        built("get_pipeline", pipeline_uuid=uuid)


def committed(**files):
    return dict(parse_qsl(built("commit_files", **files).content.decode(), keep_blank_values=True))


def test_a_file_named_like_the_forms_own_fields_stays_a_file():
    form = committed(files={"message": "a", "branch": "b", "files": "c", "author": "d"}, message="The message")
    assert form == {"message": "The message", "/message": "a", "/branch": "b", "/files": "c", "/author": "d"}


def test_a_files_text_arrives_as_it_was_given():
    text = "a=b&c\r\n+%20\tü\U0001f600"
    assert committed(files={"a.txt": text, "empty.txt": ""}) == {"/a.txt": text, "/empty.txt": ""}


@pytest.mark.parametrize("path", ["../x", "a/../b", "a//b", "a\nb", "/", "..", "a/./b"])
def test_a_file_outside_the_repository_is_refused(path):
    with pytest.raises(Invalid, match="files"):
        built("commit_files", files={"fine.txt": "x", path: "x"})


def test_a_file_needs_a_path_and_a_commit_a_file():
    for files in ({}, {"": "x"}):
        with pytest.raises(Invalid, match="files"):
            built("commit_files", files=files)


def test_a_pipeline_without_anything_to_run_on_is_refused():
    with pytest.raises(Invalid, match=r"target\.ref_name"):
        built("run_pipeline", target={"selector": {"type": "custom", "pattern": "deploy"}})


def test_the_slash_after_a_directory_is_kept_and_the_one_before_is_not():
    paths = [built("get_file_contents", commit="main", path=path).path for path in ("/src/", "src", "/", "")]
    assert [path.partition("/src/main")[2] for path in paths] == ["/src/", "/src", "/", "/"]


@pytest.mark.parametrize("path", ["a/../b", "..", "a//b"])
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(Invalid, match="path"):
        built("get_file_contents", commit="main", path=path)


def test_every_request_asks_for_json_but_the_logs():
    assert BITBUCKET.headers == {"accept": "application/json"}
    assert built("get_pipeline_step_log", pipeline_uuid=UUID, step_uuid=UUID).headers == {"accept": "*/*"}


@pytest.mark.parametrize(
    "path",
    [
        "/user",
        "/1.0/user",
        "/internal/repositories",
        "/2.0",
        "/2.0/../internal",
        "/2.0/%2e%2e/internal",
        "/2.0/%252e%252e/internal",
        "/2%2E0/user",
        "//evil.example/2.0/user",
        "/2.0/user?access_token=x",
    ],
)
def test_nothing_but_the_described_api_is_reached(path):
    with pytest.raises(Invalid) as refusal:
        called("GET", path)
    assert refusal.value.faults[0].field == "path"


def test_no_other_credential_goes_along():
    with pytest.raises(Invalid, match="access_token"):
        called("GET", "/2.0/user", query={"access_token": "x"})


def test_a_read_key_may_use_it_to_read_alone():
    assert [TOOL.reads(called(method, "/2.0/user")) for method in ("GET", "HEAD")] == [True, True]
    assert not any(TOOL.reads(called(method, "/2.0/user")) for method in ("POST", "PUT", "PATCH", "DELETE"))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/2.0/repositories/w/r/pipelines-config/runners", "create_runner"),
        ("/2.0/workspaces/w/pipelines-config/runners/", "create_runner"),
        ("/2.0/workspaces/w/pipelines_config/runners", "create_runner"),
        ("/2.0/workspaces/w/pipelines-config/%72unners", "create_runner"),
        ("/2.0/repositories/%7Bx%7D/%7By%7D/pipelines%2dconfig/%2572unners", "create_runner"),
        ("/2.0/repositories/w/r/access-tokens", "create_token"),
        ("/2.0/workspaces/w/oauth-consumers", "create_token"),
    ],
)
def test_an_operation_that_hands_out_a_credential_is_named_however_it_is_spelled(path, operation):
    assert BITBUCKET.hands_out(called("POST", path)) == operation
    assert BITBUCKET.hands_out(called("GET", path)) is None


def test_no_tool_of_its_own_hands_out_a_credential(samples):
    for name, tool in BITBUCKET.tools.items():
        assert BITBUCKET.hands_out(tool.request(tool.arguments.check(samples(tool, optional=True)))) is None, name


def test_a_repository_that_is_renamed_is_not_said_to_be_the_same_after_a_repeat():
    assert not BITBUCKET.tools["update_repository"].idempotent
