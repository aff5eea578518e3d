"""Cut GitHub's OpenAPI description down to what the tests read: run with the path of the whole one (.json or .json.gz).

Kept are every route with its methods, and of the operations in github_operations.json the names, types, enums and
bounds of query parameters and body members. The description is GitHub's, under the MIT licence (see the .md beside it).
"""

import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("type", "enum", "format", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "required")
METHODS = ("get", "post", "put", "patch", "delete")


def followed(description, node):
    """Return the node, or what its `$ref` names."""
    while "$ref" in node:
        name, node = node["$ref"], description
        for part in name.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/")]
    return node


def schema_of(description, node):
    """Return the schema as JSON Schema 2020-12 without words; objects with named members take no others."""
    node = followed(description, node)
    kept = {name: node[name] for name in KEPT if name in node}
    if "properties" in node:
        kept["properties"] = {name: schema_of(description, one) for name, one in node["properties"].items()}
        kept["additionalProperties"] = False
    if "items" in node:
        kept["items"] = schema_of(description, node["items"])
    for union in ("oneOf", "anyOf"):
        if union in node:
            kept["anyOf"] = [schema_of(description, one) for one in node[union]]
    return {"anyOf": [kept, {"type": "null"}]} if node.get("nullable") else kept


def operation_of(description, route, method):
    """Return the operation's query parameters and JSON body."""
    operation = description["paths"][route][method]
    parameters = [followed(description, one) for one in operation.get("parameters", [])]
    query = {one["name"]: schema_of(description, one["schema"]) for one in parameters if one["in"] == "query"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {
        "query": query,
        "required_query": [one["name"] for one in parameters if one["in"] == "query" and one.get("required")],
        "body": None if body is None else schema_of(description, body),
        "body_required": operation.get("requestBody", {}).get("required", False),
    }


def main(path):
    whole = Path(path).read_bytes()
    description = json.loads(gzip.decompress(whole) if path.endswith(".gz") else whole)
    wanted = json.loads((HERE / "github_operations.json").read_text())
    extract = {
        "routes": {route: [name for name in METHODS if name in item] for route, item in description["paths"].items()},
        "operations": {
            name: operation_of(description, name.split(" ")[1], name.split(" ")[0].lower()) for name in wanted.values()
        },
    }
    text = json.dumps(extract, sort_keys=True, separators=(",", ":"))
    (HERE / "github_description.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
