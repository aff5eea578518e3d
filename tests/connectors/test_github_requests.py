"""What GitHub's tools make of their arguments, beside what is recorded for each."""

import base64

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

GITHUB = CONNECTORS["github"]


def built(name, **arguments):
    tool = GITHUB.tools[name]
    return tool.request(tool.arguments.check(arguments))


def test_an_issue_goes_out_with_the_fields_that_were_given_and_no_others():
    request = built("create_issue", owner="octocat", repo="hello", title="It breaks", labels=["bug"])
    assert (request.method, request.path) == ("POST", "/repos/octocat/hello/issues")
    assert request.json == {"title": "It breaks", "labels": ["bug"]}


def test_a_file_path_keeps_its_slashes_and_loses_nothing_else():
    path = built("get_file_contents", owner="o", repo="r", path="/src/a b/ä?#%.py", ref="feature/x").path
    assert path == "/repos/o/r/contents/src/a%20b/%C3%A4%3F%23%25.py"


@pytest.mark.parametrize("root", ["/", ""])
def test_the_root_directory_can_be_listed(root):
    assert built("get_file_contents", owner="o", repo="r", path=root).path == "/repos/o/r/contents/"


def test_a_file_is_written_as_base64_of_its_text():
    request = built("create_or_update_file", owner="o", repo="r", path="a.txt", message="m", content="grüße")
    assert base64.b64decode(request.json["content"]).decode() == "grüße"


def test_a_binary_file_is_passed_on_and_what_is_no_base64_refused():
    given = {"owner": "o", "repo": "r", "path": "a.png", "message": "m", "encoding": "base64"}
    assert built("create_or_update_file", **given, content="iVBORw0=").json["content"] == "iVBORw0="
    with pytest.raises(Invalid, match="content"):
        built("create_or_update_file", **given, content="not base64!")


@pytest.mark.parametrize(
    ("ref", "wire"),
    [
        ("feature/x", "heads/feature/x"),
        ("heads/feature/x", "heads/feature/x"),
        ("refs/heads/feature/x", "heads/feature/x"),
        ("refs/tags/v1", "tags/v1"),
    ],
)
def test_a_ref_may_be_written_in_all_the_ways_that_git_does(ref, wire):
    created = built("create_branch", owner="o", repo="r", ref=ref, sha="6dcb09b5")
    deleted = built("delete_branch", owner="o", repo="r", ref=ref)
    assert (created.json["ref"], deleted.path) == (f"refs/{wire}", f"/repos/o/r/git/refs/{wire}")


def test_a_branch_with_a_slash_is_one_segment_where_another_route_follows():
    assert built("get_branch", owner="o", repo="r", branch="x/protection").path.endswith("/branches/x%2Fprotection")
    assert built("get_commit", owner="o", repo="r", ref="x/status").path.endswith("/commits/x%2Fstatus")


def test_a_tree_is_recursive_only_when_asked():
    assert "recursive" not in built("get_repository_tree", owner="o", repo="r", tree_sha="main", recursive=False).query
    assert built("get_repository_tree", owner="o", repo="r", tree_sha="main", recursive=True).query["recursive"] == "1"


def test_a_milestone_of_zero_is_taken_off_and_an_omitted_one_left_alone():
    issue = {"owner": "o", "repo": "r", "issue_number": 1}
    assert built("update_issue", **issue, milestone=0).json == {"milestone": None}
    assert built("update_issue", **issue, labels=[]).json == {"labels": []}


def test_a_time_goes_out_in_utc():
    request = built("list_issues", owner="o", repo="r", since="2026-03-01T01:30:00+02:00")
    assert request.query["since"] == "2026-02-28T23:30:00Z"
    with pytest.raises(Invalid, match="since"):
        built("list_issues", owner="o", repo="r", since="2026-03-01T01:30:00")


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_that_utc_cannot_tell_is_refused(since):
    with pytest.raises(Invalid, match="in UTC"):
        built("list_issues", owner="o", repo="r", since=since)


def test_secret_alerts_never_ask_for_the_secrets():
    assert built("list_secret_scanning_alerts", owner="o", repo="r").query["hide_secret"] is True


def test_a_review_holds_its_comments_without_empty_members():
    comment = {"path": "a.py", "line": 3, "body": "Why?"}
    review = {"owner": "o", "repo": "r", "pull_number": 1, "comments": [comment]}
    assert built("create_pull_request_review", **review).json == {"comments": [comment]}
    with pytest.raises(Invalid, match="body: required for REQUEST_CHANGES"):
        built("create_pull_request_review", **review, event="REQUEST_CHANGES")


def test_arguments_that_need_one_another_are_refused_before_anything_is_sent():
    pull = {"owner": "o", "repo": "r"}
    with pytest.raises(Invalid, match="title"):
        built("create_pull_request", **pull, head="x", base="main")
    with pytest.raises(Invalid, match="reviewers"):
        built("request_reviewers", **pull, pull_number=1)


def test_what_github_would_refuse_for_its_size_is_not_sent():
    with pytest.raises(Invalid, match="title"):
        built("create_issue", owner="o", repo="r", title="x" * 257)
    with pytest.raises(Invalid, match="inputs"):
        built(
            "trigger_workflow", owner="o", repo="r", workflow_id=1, ref="main", inputs={f"i{n}": 1 for n in range(26)}
        )


def test_raw_files_and_diffs_are_asked_for_by_media_type():
    assert "accept" not in built("get_commit", owner="o", repo="r", ref="main").headers
    assert built("get_commit", owner="o", repo="r", ref="main", format="diff").headers == {
        "accept": "application/vnd.github.diff"
    }
    raw = built("get_file_contents", owner="o", repo="r", path="a", raw=True)
    assert raw.headers == {"accept": "application/vnd.github.raw+json"}


def test_every_request_names_the_media_type_and_the_version():
    assert GITHUB.headers == {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
    assert GITHUB.auth(GITHUB.probe, {"token": "t0ken"}, GITHUB.base_url) == {"authorization": "Bearer t0ken"}
