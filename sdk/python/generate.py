# ruff: noqa: INP001 - a script, no package
"""Writes src/devmesh_sdk/api from the server's OpenAPI document; with --check, says if it differs, and ends with 1.

`python generate.py [--check] < openapi.json`; the document is `GET /openapi.json` of any server. Ruff formats all.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from names import GROUPS, HEADERS, OWN, QUERY_TYPES, RENAMED, SAFE, Named

API = Path(__file__).parent / "src" / "devmesh_sdk" / "api"
NOTE = "Written by `make sdk` from the server's OpenAPI document: change generate.py or names.py, not this file."
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_PAGING = frozenset(("limit", "cursor"))
_REFERENCE = "#/components/schemas/"


class Document:
    """The OpenAPI document, read as Python's types."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths = document["paths"]
        self._schemas = document["components"]["schemas"]
        self.used: dict[str, Mapping[str, Any]] = {}

    def operation(self, named: Named) -> Mapping[str, Any]:
        """Return the operation of that method and path."""
        method, path = named.route.split(" ")
        found: Mapping[str, Any] = self._paths[path][method.lower()]
        return found

    def schema(self, reference: str) -> Mapping[str, Any]:
        """Return the schema of that reference."""
        found: Mapping[str, Any] = self._schemas[reference.removeprefix(_REFERENCE)]
        return found

    def type_of(self, schema: Mapping[str, Any]) -> str:
        """Return the annotation of the schema; models that it names join `used`."""
        if "$ref" in schema:
            return self._model(schema["$ref"])
        if "enum" in schema or "const" in schema:
            return _literal(schema.get("enum") or [schema["const"]])
        if "oneOf" in schema:
            return " | ".join(dict.fromkeys(self.type_of(each) for each in schema["oneOf"]))
        kind = schema.get("type")
        if kind == "array":
            return f"list[{self.type_of(schema.get('items', {}))}]"
        if kind == "object":
            return f"dict[str, {self.type_of(schema.get('additionalProperties', {}))}]"
        return _PLAIN[kind] if kind else "Any"

    def _model(self, reference: str) -> str:
        schema, name = self.schema(reference), model_name(reference)
        if name not in self.used:
            self.used[name] = schema
            for field in schema.get("properties", {}).values():
                self.type_of(field)
        return name


def _literal(values: Sequence[Any]) -> str:
    texts = ", ".join(repr(value) for value in values if value is not None)
    return f"Literal[{texts}]{' | None' if None in values else ''}"


def model_name(reference: str) -> str:
    """Return what a model is called here."""
    name = reference.removeprefix(_REFERENCE)
    return RENAMED.get(name, name)


def models(document: Document, options: Mapping[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """Yield the module of the models; `options` are bodies without the fields that are given by position."""
    yield f'"""What the server takes and answers.\n\n{NOTE}\n"""'
    yield "from __future__ import annotations"
    yield "from typing import Any, Literal, NotRequired, TypedDict"
    known: dict[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
        name: (schema, ()) for name, schema in document.used.items()
    }
    known |= {name: (document.schema(reference), without) for name, (reference, without) in options.items()}
    for name, (schema, without) in sorted(known.items()):
        if "enum" in schema:
            yield f"{name} = {document.type_of(schema)}"
            continue
        yield f"class {name}(TypedDict):"
        yield f'    """{_sentence(schema.get("description", "")) or f"{name}, as the contract has it."}"""'
        required = set(schema.get("required", ()))
        for field, of in schema["properties"].items():
            if field not in without:
                kind = document.type_of(of)
                yield f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}"


def operations(document: Document, options: dict[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """Yield the module of the operations; those of `options` that they need join it."""
    yield f'"""The server\'s operations, as steps.\n\n{NOTE}\n"""'
    yield "from __future__ import annotations"
    yield "from collections.abc import Mapping\nfrom typing import Any, Literal, Unpack"
    yield "from devmesh_sdk.api import models\nfrom devmesh_sdk.calls import Call, part"
    yield "from devmesh_sdk.core import Core\nfrom devmesh_sdk.paging import Pages\nfrom devmesh_sdk.steps import Steps"
    for group in GROUPS.values():
        for named in group.values():
            if isinstance(named, Named):
                yield from Operation(document, named).lines(options)
        if "list" in group:
            yield from Operation(document, _listing(group)).all_pages()


class Operation:
    """One operation, as the function that it becomes."""

    def __init__(self, document: Document, named: Named) -> None:
        self._document = document
        self._named = named
        self._schema = document.operation(named)
        self._method, self._path = named.route.split(" ")
        parameters = self._schema.get("parameters", ())
        self._query = [each for each in parameters if each["in"] == "query"]
        self._once = any(each["name"] == "Idempotency-Key" for each in parameters)
        body = self._schema.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        self._body: str | None = body["$ref"] if body else None

    def lines(self, options: dict[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
        """Yield the function."""
        taken = ", ".join(["core: Core", *self._taken(options)])
        yield f"def {self._named.function}({taken}) -> Steps[{self._reply()}]:"
        yield f'    """{_sentence(self._schema["summary"])}"""'
        yield f"    return core.run(Call({', '.join(self._call())}))"

    def all_pages(self) -> Iterator[str]:
        """Yield the function that goes through all pages of a list."""
        reply = self._document.schema(self._schema["responses"]["200"]["content"]["application/json"]["schema"]["$ref"])
        [(items, schema)] = [each for each in reply["properties"].items() if each[1].get("type") == "array"]
        query = [(name, kind) for name, kind in self._named_only() if name not in _PAGING]
        taken = "".join(f", {name}: {kind} | None = None" for name, kind in query)
        kind = self._annotated(schema["items"])
        yield f"def {all_of(self._named)}(core: Core{', *' if query else ''}{taken}) -> Pages[{kind}]:"
        yield f'    """{_sentence(self._schema["summary"])}\n\n    Page after page.\n    """'
        given = ", ".join(f'"{name}": {name}' for name, _ in query)
        yield f'    return Pages(core, "{self._path}", "{items}", {{{given}}})'

    def _taken(self, options: dict[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
        for name in re.findall(r"\{(\w+)\}", self._path):
            kind = "int" if name == "version" else "str"
            yield f"{name}: {kind}"
        positional = self._named.first
        if self._body is not None:
            fields = self._document.schema(self._body)["properties"]
            yield from (f"{name}: {self._annotated(fields[name])}" for name in positional)
        named = [f"{name}: {kind} | None = None" for name, kind in self._named_only()]
        if named:
            yield "*"
            yield from named
        if self._has_more:
            yield f"**fields: Unpack[{self._fields(options)}]"

    @property
    def _has_more(self) -> bool:
        """Whether the body has fields beside those that are given by position."""
        return self._body is not None and set(self._document.schema(self._body)["properties"]) > {*self._named.first}

    def _named_only(self) -> Iterator[tuple[str, str]]:
        for each in self._query:
            schema = each["schema"]
            given = QUERY_TYPES.get((self._named.route, each["name"])) or self._annotated(schema).removesuffix(
                " | None"
            )
            yield each["name"], f"str | {given}" if schema.get("type") == "array" else given
        if self._named.route in HEADERS:
            yield HEADERS[self._named.route][0], HEADERS[self._named.route][1]

    def _fields(self, options: dict[str, tuple[str, tuple[str, ...]]]) -> str:
        reference = str(self._body)
        if not self._named.first:
            return self._annotated({"$ref": reference})
        name = f"{model_name(reference)}Options"
        self._document.type_of({"$ref": reference})
        options[name] = (reference, self._named.first)
        return f"models.{name}"

    def _call(self) -> Iterator[str]:
        yield f'"{self._method}"'
        yield re.sub(r"\{(\w+)\}", r"{part(\1)}", f'f"{self._path}"' if "{" in self._path else f'"{self._path}"')
        if self._query:
            given = ", ".join(f"{each['name']!r}: {each['name']}" for each in self._query)
            yield f"query={{{given}}}"
        if self._body is not None:
            fields = [f"{name!r}: {name}" for name in self._named.first] + ["**fields"] * self._has_more
            yield f"body={{{', '.join(fields)}}}"
        if self._named.route in HEADERS:
            name, _, made = HEADERS[self._named.route]
            yield f"headers={{}} if {name} is None else {made}"
        for name, holds in (
            ("once", self._once),
            ("safe", self._method == "GET" or self._named.route in SAFE),
            ("public", "security" not in self._schema),
        ):
            if holds:
                yield f"{name}=True"

    def _reply(self) -> str:
        replies = [reply for status, reply in self._schema["responses"].items() if status != "default"]
        content = replies[0].get("content", {}).get("application/json")
        return self._annotated(content["schema"]) if content else "None"

    def _annotated(self, schema: Mapping[str, Any]) -> str:
        kind = self._document.type_of(schema)
        return re.sub(r"\b([A-Z]\w+)\b(?!['\"])", lambda each: _qualified(each[1], self._document.used), kind)


def _listing(group: Mapping[str, Named | str]) -> Named:
    listing = group["list"]
    if not isinstance(listing, Named):
        raise TypeError("own.py has no lists")
    return listing


def all_of(listing: Named) -> str:
    """Return the name of the function that goes through all pages of the list."""
    return f"list_all_{listing.function.partition('_')[2]}"


def _qualified(name: str, used: Mapping[str, Any]) -> str:
    return f"models.{name}" if name in used else name


def groups(kind: str) -> Iterator[str]:
    """Yield the module of the methods of a client that is `blocking` or `awaiting`."""
    base = kind.capitalize()
    drive = "Drive" if kind == "blocking" else "ADrive"
    yield f'"""The methods of a client, {kind}.\n\n{NOTE}\n"""'
    yield "from __future__ import annotations"
    yield "from devmesh_sdk.api import operations, own"
    yield f"from devmesh_sdk.binding import {base}, {drive}, {kind}, {kind}_each\nfrom devmesh_sdk.core import Core"
    for group, methods in GROUPS.items():
        yield f"class {group.capitalize()}({base}):"
        yield f'    """`client.{group}`."""'
        for name, named in methods.items():
            source = f"operations.{named.function}" if isinstance(named, Named) else f"own.{named}"
            yield f"    {name} = {kind}({source})"
        if "list" in methods:
            yield f"    list_all = {kind}_each(operations.{all_of(_listing(methods))})"
    yield "class Groups:"
    yield '    """All groups of methods."""'
    yield f"    def __init__(self, core: Core, drive: {drive}) -> None:"
    yield from (f"        self.{group} = {group.capitalize()}(core, drive)" for group in GROUPS)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text.rstrip('.')}." if text else ""


def written(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the modules by file name, formatted."""
    read = Document(document)
    options: dict[str, tuple[str, tuple[str, ...]]] = {}
    of_operations = "\n".join(operations(read, options))
    for name in OWN:
        read.type_of({"$ref": f"{_REFERENCE}{name}"})
    texts = {
        "operations.py": of_operations,
        "models.py": "\n".join(models(read, options)),
        "blocking.py": "\n".join(groups("blocking")),
        "awaiting.py": "\n".join(groups("awaiting")),
    }
    return {name: _formatted(text, name) for name, text in texts.items()}


def _formatted(text: str, name: str) -> str:
    for command in (["check", "--select=I,F401", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, f"--stdin-filename={API / name}", "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603 - no shell
    return text


def main() -> int:
    """Write the modules, or say which of them differ; return the exit code."""
    texts = written(json.load(sys.stdin))
    if "--check" not in sys.argv[1:]:
        for name, text in texts.items():
            (API / name).write_text(text, encoding="utf-8")
        return 0
    differing = [name for name, text in texts.items() if (API / name).read_text(encoding="utf-8") != text]
    sys.stderr.writelines(f"{name} differs: run 'make sdk'\n" for name in differing)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
