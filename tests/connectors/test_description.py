"""The judge of requests refuses what a description does not say, in each of the forms in which vendors write theirs."""

import gzip
import json

import pytest
import yaml

from connectors.description import Description
from devmesh.upstream.model import Request

OPEN_API = {
    "openapi": "3.0.3",
    "paths": {
        "/books/{book-id}": {
            "parameters": [{"name": "book-id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"parameters": [{"name": "pages", "in": "query", "schema": {"type": "integer", "maximum": 9}}]},
            "put": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Book"}}},
                }
            },
        },
        "/books/{book-id}/cover": {"post": {"requestBody": {"content": {"multipart/form-data": {}}}}},
        "/files/{path}": {"get": {}},
    },
    "components": {
        "schemas": {
            "Titled": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}},
            "Book": {
                "allOf": [
                    {"$ref": "#/components/schemas/Titled"},
                    {
                        "properties": {
                            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Book"}},
                            "state": {"type": "string", "enum": ["here", "lent"], "nullable": True},
                        }
                    },
                ]
            },
        }
    },
}
SWAGGER = {
    "swagger": "2.0",
    "paths": {
        "/loans": {
            "get": {
                "parameters": [
                    {"name": "late", "in": "query", "type": "boolean", "required": True},
                    {"name": "kinds", "in": "query", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                ]
            },
            "post": {"parameters": [{"name": "it", "in": "body", "required": True, "schema": {"type": "object"}}]},
            "put": {"parameters": [{"name": "days", "in": "formData", "type": "integer"}]},
        }
    },
}


@pytest.fixture
def described(tmp_path):
    """The two descriptions, one packed as YAML and one as JSON."""
    (tmp_path / "books.yaml.gz").write_bytes(gzip.compress(yaml.safe_dump(OPEN_API).encode()))
    (tmp_path / "loans.json.gz").write_bytes(gzip.compress(json.dumps(SWAGGER).encode()))
    books = Description(tmp_path / "books.yaml.gz", "/api", ("/files/{path}",))
    return {"books": books, "loans": Description(tmp_path / "loans.json.gz")}


def faults(described, name, operation, path, **request):
    return described[name].faults(Request(method=operation.partition(" ")[0], path=path, **request), operation)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"json": {"title": "x", "state": None, "parts": [{"title": "y"}]}}, None),
        ({"json": {"title": "x", "state": "sold"}}, "'sold'"),
        ({"json": {"state": "here"}}, "'title' is a required property"),
        ({"json": {"title": "x", "titel": "x"}}, "'titel'"),
        ({"json": {"title": 1}}, "not of type 'string'"),
        ({}, "the body is missing"),
        ({"form": {"title": "x"}}, "a form is not taken"),
        ({"content": b"x"}, "application/octet-stream is not taken"),
        ({"json": {"title": "x"}, "query": {"pages": 3}}, "query pages is unknown"),
    ],
)
def test_a_body_is_judged_by_its_schema(described, request_, complaint):
    found = faults(described, "books", "PUT /api/books/{book-id}", "/api/books/1", **request_)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


@pytest.mark.parametrize(("pages", "fits"), [(3, True), ("3", True), (10, False), ("x", False), ([1, 2], False)])
def test_a_parameter_is_judged_as_the_text_that_it_is(described, pages, fits):
    found = faults(described, "books", "GET /api/books/{book-id}", "/api/books/1", query={"pages": pages, "none": None})
    assert (found == []) == fits


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"late": True}, None),
        ({"late": "true", "kinds": ["a", "b"]}, None),
        ({"late": False, "kinds": "a,b"}, None),
        ({}, "query late is missing"),
        ({"late": "yes"}, "query late is not"),
        ({"late": True, "kinds": "a,c"}, "query kinds is not"),
    ],
)
def test_parameters_of_swagger_are_judged_as_those_of_openapi(described, query, complaint):
    found = faults(described, "loans", "GET /loans", "/loans", query=query)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def test_bodies_and_forms_of_swagger_are_judged(described):
    assert faults(described, "loans", "POST /loans", "/loans", json={}) == []
    assert faults(described, "loans", "POST /loans", "/loans") == ["the body is missing"]
    assert faults(described, "loans", "PUT /loans", "/loans", form={"days": "3"}) == []
    assert len(faults(described, "loans", "PUT /loans", "/loans", form={"days": "soon", "day": "3"})) == 2
    assert faults(described, "loans", "GET /loans", "/loans", query={"late": True}, json={}) == ["a body is not taken"]


def test_content_is_judged_by_its_kind(described):
    cover = ("books", "POST /api/books/{book-id}/cover", "/api/books/1/cover")
    assert faults(described, *cover, content=b"x", headers={"content-type": "multipart/form-data; boundary=b"}) == []
    assert faults(described, *cover, content=b"x") == ["application/octet-stream is not taken"]
    assert faults(described, *cover, json={}) == ["JSON is not taken"]


def test_a_path_is_of_its_operation_alone(described):
    books = described["books"]
    assert books.operations_of(Request(method="GET", path="/api/books/1")) == {"GET /api/books/{book-id}"}
    assert books.operations_of(Request(method="GET", path="/api/files/a/b")) == {"GET /api/files/{path}"}
    assert books.operations_of(Request(method="GET", path="/api/books/1/cover")) == set()
    assert "is not GET" in faults(described, "books", "GET /api/books/{book-id}", "/books/1")[0]


def test_an_operation_is_found_however_its_parameters_are_named(described):
    assert described["books"].named("GET", "/api/books/{id}") == "GET /api/books/{book-id}"
    assert described["books"].named("DELETE", "/api/books/{id}") is None
    assert described["books"].named("GET", "/api/book/{id}") is None
