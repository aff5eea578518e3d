"""A service's own description of its API (OpenAPI 3 or Swagger 2, JSON or YAML) as a judge of requests."""

import gzip
import json
import re

import jsonschema
import msgspec
import yaml

KEPT = ("type", "enum", "format", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern")
METHODS = ("get", "head", "post", "put", "patch", "delete")
# What a text in a query or a form stands for.
TEXTS = {
    "integer": lambda text: int(text) if re.fullmatch("-?[0-9]+", text) else text,
    "number": lambda text: float(text) if re.fullmatch("-?[0-9]+([.][0-9]+)?", text) else text,
    "boolean": lambda text: {"true": True, "false": False}.get(text, text),
}


class Description:
    """The description in a packed file; its routes begin with `prefix` in the paths of our requests.

    `slashed` are the ends of the routes whose last parameter takes slashes as they are. What holds for all operations
    is often said once, in words: `everywhere` are parameters that each read's query takes, and `implied` are members
    that no body has to have, though its schema requires them.
    """

    def __init__(self, path, prefix="", slashed=(), everywhere=(), implied=()):
        text = gzip.decompress(path.read_bytes())
        self.whole = json.loads(text) if ".json" in path.name else yaml.load(text, yaml.CSafeLoader)
        self.routes = {prefix + route: item for route, item in self.whole["paths"].items()}
        self._patterns = {route: pattern_of(route, slashed) for route in self.routes}
        self._operations = {}
        self._everywhere = {name: {} for name in everywhere}
        self._implied = implied

    def operations_of(self, request):
        """Return every operation `METHOD /route` that the service could take the request for."""
        method = request.method.lower()
        return {
            f"{request.method} {route}"
            for route, pattern in self._patterns.items()
            if method in self.routes[route] and pattern.fullmatch(request.path)
        }

    def named(self, method, path):
        """Return the described operation of that method and path, however its parameters are named; None without."""
        plain = re.sub(r"\{[^}]+\}", "{}", path)
        routes = [route for route in self.routes if re.sub(r"\{[^}]+\}", "{}", route) == plain]
        found = [f"{method} {route}" for route in routes if method.lower() in self.routes[route]]
        return found[0] if found else None

    def operation(self, name):
        """Return the operation's `query` and `form` by name, those `required`, its `body` and the `kinds` it takes."""
        if name not in self._operations:
            method, _, route = name.partition(" ")
            self._operations[name] = self._read(self.routes[route], self.routes[route][method.lower()])
        return self._operations[name]

    def _read(self, item, operation):
        given = [self._followed(one) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        body = self._followed(operation.get("requestBody", {}))
        content = body.get("content", {})
        schemas = {kind: self.schema(one.get("schema", {})) for kind, one in content.items()}
        whole = [one for one in given if one["in"] == "body"]
        if whole:
            schemas["application/json"] = self.schema(whole[0]["schema"])
        query = {one["name"]: self._parameter(one) for one in given if one["in"] == "query"}
        form = {one["name"]: self._parameter(one) for one in given if one["in"] == "formData"}
        if form:
            schemas["application/x-www-form-urlencoded"] = {"properties": form, "additionalProperties": False}
        return {
            "query": {**self._everywhere, **query} if operation is item.get("get") else query,
            "required": [one["name"] for one in given if one["in"] == "query" and one.get("required")],
            "bodies": schemas,
            "body_required": body.get("required", False) or any(one.get("required") for one in whole),
        }

    def _parameter(self, parameter):
        bare = {name: value for name, value in parameter.items() if name != "required"}
        return self.schema(parameter.get("schema", bare))

    def _followed(self, node):
        while "$ref" in node:
            name, node = node["$ref"], self.whole
            for part in name.removeprefix("#/").split("/"):
                node = node[part.replace("~1", "/")]
        return node

    def schema(self, node, within=()):
        """Return the schema as JSON Schema 2020-12 without words; objects with named members take no others."""
        if node.get("$ref") in within:
            return {}
        within = (*within, node["$ref"]) if "$ref" in node else within
        node = self._followed(node)
        kept = {name: node[name] for name in KEPT if name in node}
        if isinstance(node.get("required"), list):
            kept["required"] = [name for name in node["required"] if name not in self._implied]
        for part in node.get("allOf", ()):
            kept = merged(kept, self.schema(part, within))
        if "properties" in node:
            members = {name: self.schema(one, within) for name, one in node["properties"].items()}
            kept = merged(kept, {"properties": members, "additionalProperties": False})
        if isinstance(node.get("additionalProperties"), dict):
            kept["additionalProperties"] = self.schema(node["additionalProperties"], within)
        if "items" in node:
            kept["items"] = self.schema(node["items"], within)
        several = [one for union in ("oneOf", "anyOf") for one in node.get(union, ())]
        if several:
            kept["anyOf"] = [self.schema(one, within) for one in several]
        return {"anyOf": [kept, {"type": "null"}]} if node.get("nullable") else kept

    def faults(self, request, operation):
        """Return what the description says against the request being that operation."""
        described = self.operation(operation)
        found = (
            [] if operation in self.operations_of(request) else [f"{request.method} {request.path} is not {operation}"]
        )
        query = {name: value for name, value in request.query.items() if value is not None}
        found += [f"query {name} is missing" for name in described["required"] if name not in query]
        for name, value in query.items():
            if name not in described["query"]:
                found.append(f"query {name} is unknown")
            elif not fits(described["query"][name], value):
                found.append(f"query {name} is not {described['query'][name]}")
        return found + body_faults(request, described)


def merged(one, other):
    """Return the schema of an object that is both."""
    members = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*one.get("required", ()), *other.get("required", ())]
    return {
        **one,
        **other,
        **({"properties": members} if members else {}),
        **({"required": required} if required else {}),
    }


def pattern_of(route, slashed):
    """Return what matches the route's paths."""
    pattern = "[^/]+".join(re.escape(fixed) for fixed in re.split(r"\{[^}]+\}", route))
    return re.compile(pattern.removesuffix("[^/]+") + ".*" if route.endswith(slashed) else pattern)


def fits(schema, value):
    """Return whether the schema takes a query's or a form's value; a list repeats its name or stands with commas.

    A list of one is on the wire what its one value is.
    """
    if "anyOf" in schema:
        return any(fits(one, value) for one in schema["anyOf"])
    if schema.get("type") == "array":
        texts = value if isinstance(value, list | tuple) else str(value).split(",")
        return all(fits(schema.get("items", {}), text) for text in texts)
    if isinstance(value, list | tuple):
        return len(value) == 1 and fits(schema, value[0])
    if schema.get("type") == "object" and "properties" not in schema:
        return True  # so some vendors write texts whose form they do not say
    text = str(value).lower() if isinstance(value, bool) else str(value)
    known = TEXTS.get(schema.get("type"), str)(text)
    return jsonschema.Draft202012Validator(schema).is_valid(known)


def body_faults(request, described):
    """Return what the description says against the request's body."""
    if request.json is None and request.form is None and request.content is None:
        return ["the body is missing"] if described["body_required"] else []
    if not described["bodies"]:
        return ["a body is not taken"]
    if request.form is not None:
        return form_faults(request.form, described["bodies"].get("application/x-www-form-urlencoded"))
    if request.json is None:
        kind = request.headers.get("content-type", "application/octet-stream").partition(";")[0]
        return [] if {kind, "*/*"} & described["bodies"].keys() else [f"{kind} is not taken"]
    schemas = [
        schema for kind, schema in described["bodies"].items() if kind.partition(";")[0].endswith(("json", "*/*"))
    ]
    if not schemas:
        return ["JSON is not taken"]
    body = msgspec.json.decode(msgspec.json.encode(request.json))
    return [error.message for error in jsonschema.Draft202012Validator(schemas[0]).iter_errors(body)]


def form_faults(form, schema):
    if schema is None:
        return ["a form is not taken"]
    members = schema.get("properties", {})
    unknown = [f"form {name} is unknown" for name in form if name not in members]
    missing = [f"form {name} is missing" for name in schema.get("required", ()) if name not in form]
    wrong = [
        f"form {name} is not {members[name]}"
        for name in form
        if name in members and not fits(members[name], form[name])
    ]
    return unknown + missing + wrong
