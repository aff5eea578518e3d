"""Artifactory's requests reach files and nothing else of the server; AQL finds and does nothing else."""

import pytest
from pyreqwest.http import Url

from devmesh.connectors import CONNECTORS
from devmesh.connectors.artifactory.arguments import NOT_REPOSITORIES
from devmesh.errors import Invalid

ARTIFACTORY = CONNECTORS["artifactory"]
BASE = "https://acme.jfrog.io"
ITEMS = {
    "get_folder_info": "path",
    "list_files": "path",
    "download_artifact": "path",
    "delete_artifact": "path",
    "get_item_stats": "path",
    "copy_item": "src_path",
}


def built(tool_name, /, **arguments):
    tool = ARTIFACTORY.tools[tool_name]
    return tool.request(tool.arguments.check(arguments))


def of_item(name, *, repo_key="libs-local", path="a/b.jar"):
    if name == "copy_item":
        return built(name, src_repo_key=repo_key, src_path=path, to="/libs-release/a")
    if name == "deploy_artifact":
        return built(name, repo_key=repo_key, path=path, content="x")
    if name == "deploy_by_checksum":
        return built(name, repo_key=repo_key, path=path, checksum="a" * 40)
    return built(name, repo_key=repo_key, path=path)


@pytest.mark.parametrize("fields", [{"token": "jft-1"}, {"api_key": "AKCp-1"}])
def test_a_token_is_a_bearer_and_a_key_has_its_own_header(fields):
    request, base_url, headers = ARTIFACTORY.outgoing(ARTIFACTORY.probing(fields), fields, BASE)
    assert base_url == BASE
    if "token" in fields:
        assert (request.path, headers) == ("/access/api/v1/tokens/me", {"authorization": "Bearer jft-1"})
    else:
        assert (request.path, headers) == ("/artifactory/api/system/version", {"x-jfrog-art-api": "AKCp-1"})


def test_the_proof_is_no_ping():
    for fields in ({"token": "x"}, {"api_key": "x"}):
        assert "ping" not in ARTIFACTORY.probing(fields).path


@pytest.mark.parametrize("name", [*ITEMS, "deploy_artifact", "deploy_by_checksum"])
@pytest.mark.parametrize("repo_key", [*sorted(NOT_REPOSITORIES), "API", "Ui"])
def test_a_route_of_the_server_is_no_repository(name, repo_key):
    """`api` with the path `security/apiKey` would read, make or revoke a key."""
    with pytest.raises(Invalid, match="repo_key"):
        of_item(name, repo_key=repo_key, path="security/apiKey")


@pytest.mark.parametrize("name", ITEMS)
@pytest.mark.parametrize("repo_key", ["", ".", "..", "a/b", "../api", "api%2f", "a;b", "a b", "%61pi", "ä"])
def test_a_repositorys_key_is_one_plain_segment(name, repo_key):
    with pytest.raises(Invalid, match="repo_key"):
        of_item(name, repo_key=repo_key)


@pytest.mark.parametrize("name", [*ITEMS, "deploy_artifact", "deploy_by_checksum"])
@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../api/security/apiKey",
        "a/../../api",
        "a/./b",
        "a//b",
        "%2e%2e/api",
        "a/%252e%252e/b",
        "a/..%2f..%2fb",
        "a\\..\\b",
        "..;/api",
        "a\x00",
        "a\r\nHost: evil.example",
        "\ud800",
    ],
    ids=ascii,
)
def test_no_path_leaves_its_repository(name, path):
    with pytest.raises(Invalid, match=ITEMS.get(name, "path")):
        of_item(name, path=path)


@pytest.mark.parametrize(
    ("path", "wire"),
    [
        ("a b/c.jar", "/artifactory/libs-local/a%20b/c.jar"),
        ("/a/c.jar", "/artifactory/libs-local/a/c.jar"),
        ("a;qa=done/c?x#y.jar", "/artifactory/libs-local/a%3Bqa%3Ddone/c%3Fx%23y.jar"),
        ("100%.txt", "/artifactory/libs-local/100%25.txt"),
        ("app.jar!/META-INF/MANIFEST.MF", "/artifactory/libs-local/app.jar%21/META-INF/MANIFEST.MF"),
    ],
)
def test_a_file_keeps_its_slashes_and_nothing_else(path, wire):
    request = of_item("download_artifact", path=path)
    assert request.path == wire
    assert Url(BASE + wire).path == wire


@pytest.mark.parametrize("name", ["download_artifact", "deploy_artifact", "deploy_by_checksum", "delete_artifact"])
@pytest.mark.parametrize("path", ["/", "//"])
def test_a_whole_repository_is_no_file(name, path):
    with pytest.raises(Invalid, match="path"):
        of_item(name, path=path)


def test_a_repositorys_root_can_be_looked_at():
    assert of_item("get_folder_info", path="/").path == "/artifactory/api/storage/libs-local"


@pytest.mark.parametrize(
    ("properties", "written"),
    [
        ({"a": "1"}, "a=1"),
        ({"a": ["1", "2"], "b": "x"}, "a=1,2;b=x"),
        ({"a": "1,2"}, "a=1\\,2"),
        ({"a": "1;b=2"}, "a=1\\;b\\=2"),
        ({"a": "1|b"}, "a=1\\|b"),
        ({"a": "C:\\x"}, "a=C:\\\\x"),
        ({"a": ""}, "a="),
    ],
)
def test_a_value_cannot_become_another_property(properties, written):
    request = built("set_item_properties", repo_key="libs-local", path="a", properties=properties)
    assert request.query["properties"] == written


@pytest.mark.parametrize("name", ["", "a=b", "a;b", "a|b", "a,b", "a b", "a/b", "a%3Bb", "ключ;"])
@pytest.mark.parametrize("user", ["set_item_properties", "deploy_artifact", "delete_item_properties"])
def test_a_propertys_name_holds_nothing_that_parts_them(name, user):
    properties = [name] if user == "delete_item_properties" else {name: "x"}
    beside = {"content": "x"} if user == "deploy_artifact" else {}
    with pytest.raises(Invalid, match="properties"):
        built(user, repo_key="libs-local", path="a", properties=properties, **beside)


def test_no_properties_are_refused_where_some_are_set():
    with pytest.raises(Invalid, match="properties"):
        built("set_item_properties", repo_key="libs-local", path="a", properties={})


def test_properties_of_an_upload_stay_behind_its_path():
    request = built(
        "deploy_artifact",
        repo_key="libs-local",
        path="a/b.jar",
        content="x",
        properties={"a": ["1;b=2", "../../api", "x?y#z"]},
    )
    assert request.path == "/artifactory/libs-local/a/b.jar;a=1%3Bb%3D2;a=..%2F..%2Fapi;a=x%3Fy%23z"
    assert Url(BASE + request.path).path == request.path


def test_a_search_by_properties_cannot_lose_its_repositories():
    with pytest.raises(Invalid, match="properties"):
        built("search_properties", properties={"repos": "all"}, repos=["libs-local"])


def test_content_in_base64_is_sent_as_the_bytes_that_it_stands_for():
    request = built("deploy_artifact", repo_key="r", path="a", content="AAEC\n/w==", encoding="base64")
    assert request.content == b"\x00\x01\x02\xff"
    with pytest.raises(Invalid, match="content"):
        built("deploy_artifact", repo_key="r", path="a", content="no base64!", encoding="base64")
    with pytest.raises(Invalid, match="content"):
        built("deploy_artifact", repo_key="r", path="a", content="\ud800")


@pytest.mark.parametrize(
    ("checksum", "header"),
    [("A" * 32, "x-checksum-md5"), ("A" * 40, "x-checksum-sha1"), ("A" * 64, "x-checksum-sha256")],
)
def test_a_checksum_goes_under_the_name_of_its_kind(checksum, header):
    request = built("deploy_artifact", repo_key="r", path="a", content="x", checksum=checksum)
    assert request.headers[header] == checksum.lower()


def test_a_checksum_may_bring_the_end_of_its_line():
    request = built("deploy_by_checksum", repo_key="r", path="a", checksum="a" * 64 + "\n")
    assert request.headers["x-checksum-sha256"] == "a" * 64


@pytest.mark.parametrize("checksum", ["", "a" * 39, "g" * 40, "a" * 41])
def test_what_is_no_checksum_is_refused(checksum):
    with pytest.raises(Invalid, match="checksum"):
        built("deploy_by_checksum", repo_key="r", path="a", checksum=checksum)


@pytest.mark.parametrize(
    "query",
    [
        'items.find({"repo":"a"})',
        ' items . find ( {"repo":"a"} ) ',
        'build.promotions.find({"status":"released"})',
        'items.find({"name":".delete( .limit( ) ( \\" "}).include("name").sort({"$asc":["name"]})',
        "items.find()",
    ],
)
def test_a_find_is_sent_as_it_is_with_its_page(query):
    sent = built("search_aql", query=query, limit=7).content.decode()
    assert sent == f"{query.strip()}.offset(0).limit(7)"


@pytest.mark.parametrize(
    "query",
    [
        'items.delete({"repo":"a"})',
        'items.delete({"repo":"a"}).dryRun("false")',
        'properties.update({"repo":"a"}).keys("x").newValue("y")',
        'items.delete/**/({"repo":"a"}).find()',
        "x; items.find()",
        'items.find({"repo":"a"}).delete()',
        'items.find({"repo":"a"}).dryRun("false")',
        'items.find({"repo":"a"}).limit(5)',
        'items.find({"repo":"a"}).offset(5)',
        'items.find({"repo":"a"}); items.delete({"repo":"a"})',
        'items.find({"repo":"a"}).find({"repo":"b"})',
        'items.find({"repo":"a"}',
        'items.find({"repo":"a"}) x',
        '"items.find(".delete({"repo":"a"})',
        "find()",
        "",
        "DROP TABLE items",
    ],
)
def test_a_query_that_is_not_one_find_is_refused(query):
    with pytest.raises(Invalid, match="query"):
        built("search_aql", query=query)


def test_arguments_that_do_not_go_together_are_refused():
    for name in ("search_gavc", "search_checksum", "get_artifact_summary"):
        with pytest.raises(Invalid, match="give"):
            built(name)
    with pytest.raises(Invalid, match="delete_all"):
        built("delete_builds", build_name="app", build_numbers=[])
    with pytest.raises(Invalid, match="url"):
        built("create_repository", repo_key="r", rclass="remote", package_type="npm")
    with pytest.raises(Invalid, match="changed"):
        built("update_repository", repo_key="r")


@pytest.mark.parametrize("to", ["libs/a", "https://evil.example/", "//libs", "/", "/../a", "/a b/c"])
def test_the_target_of_a_copy_begins_with_a_repository(to):
    with pytest.raises(Invalid, match="to"):
        built("copy_item", src_repo_key="libs-local", src_path="a", to=to)


@pytest.mark.parametrize("image", ["a/../b", "a//b", "/a", "a/", "A", "a%2fb", "a/tags/list?x", "a;b", ".."])
def test_an_image_is_named_as_docker_does(image):
    with pytest.raises(Invalid, match="image"):
        built("list_docker_tags", repo_key="docker-local", image=image)
