"""An OpenAPI description cut down to what judges a request: routes, names, types, enums and bounds."""

import gzip
import json

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


def extract(path, operations):
    """Return the routes of the whole description, and in detail the operations named `METHOD /path`."""
    description = json.loads(gzip.decompress(path.read_bytes()))
    return {
        "routes": {route: [name for name in METHODS if name in item] for route, item in description["paths"].items()},
        "operations": {
            name: operation_of(description, name.split(" ")[1], name.split(" ")[0].lower()) for name in operations
        },
    }
