"""Options of a command line made from a tool's JSON schema, and the arguments that they stand for."""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devmesh.client.failure import Exit, Failed
from devmesh.client.parser import Explaining
from devmesh.client.text import plain

_READ: dict[str, Callable[[str], Any]] = {"string": str, "integer": int, "number": float}
# Ours, which a tool's arguments of the same name go before: then ours stand before the tool's name.
_OURS = {"json": "json", "yes": "yes"}


@dataclass(frozen=True, slots=True)
class Flags:
    """The options of one tool."""

    name: str
    schema: Mapping[str, Any]
    parser: argparse.ArgumentParser

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any]) -> Flags:
        """Return the options for the arguments that the schema describes; names are the arguments', with hyphens."""
        parser = Explaining(
            prog=f"devmesh tools call {plain(name)}",
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
            usage=f"devmesh tools call {plain(name)} [--ARGUMENT VALUE …] [-]",
        )
        required = schema.get("required", ())
        for argument, described in schema.get("properties", {}).items():
            _add(parser, argument, _resolved(described, schema), required=argument in required)
        for ours in _OURS.keys() - schema.get("properties", {}).keys():
            parser.add_argument(f"--{ours}", dest=f"our {ours}", action="store_true", help=argparse.SUPPRESS)
        return cls(name, schema, parser)

    def names(self) -> list[str]:
        """Return the options, each as it is written."""
        return [_option(name) for name in self.schema.get("properties", {})]

    def text(self, columns: int) -> str:
        """Return the options in words, in lines of at most that many columns."""
        # argparse asks the environment for the width.
        before = os.environ.get("COLUMNS")
        os.environ["COLUMNS"] = str(columns)
        try:
            return self.parser.format_help().strip()
        finally:
            os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)

    def read(self, given: Sequence[str], options: argparse.Namespace, more: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments given by options, over those in `more`; raise Failed naming every missing one.

        Options of ours that were written behind the tool's name are set in `options`.
        """
        known, unknown = self.parser.parse_known_args(given)
        if unknown:
            raise self._strange(unknown[0])
        found = vars(known)
        for ours in _OURS:
            if found.pop(f"our {ours}", False):
                setattr(options, ours, True)
        values = {**more, **found}
        missing = [name for name in self.schema.get("required", ()) if name not in values]
        if missing:
            named = ", ".join(_option(name) for name in missing)
            raise Failed(f"{self.name} needs {named}.", f"'devmesh tools describe {self.name}' says more.", Exit.USAGE)
        return values

    def _strange(self, word: str) -> Failed:
        """Return the error for a word that is no option of the tool, with the nearest that is."""
        option = word.partition("=")[0]
        nearest = difflib.get_close_matches(option, self.names(), n=1)
        meant = f"Did you mean {nearest[0]}? " if nearest else ""
        what = f"has no option {option}" if option.startswith("-") else "takes its arguments as options only"
        return Failed(f"{self.name} {what}.", f"{meant}'devmesh tools describe {self.name}' lists them.", Exit.USAGE)


def _add(parser: argparse.ArgumentParser, name: str, schema: Mapping[str, Any], *, required: bool) -> None:
    names = [_option(name)] if _option(name) == f"--{name}" else [_option(name), f"--{name}"]
    about = plain(schema.get("description", "")) + _example(schema)
    about = (f"needed. {about}" if required else about).replace("%", "%%")
    kind = schema.get("type")
    if kind == "boolean":
        parser.add_argument(*names, dest=name, action=argparse.BooleanOptionalAction, help=about or None)
    elif kind == "array" and _is_scalar(schema.get("items", {})):
        about = f"{about} (several times)".strip()
        parser.add_argument(*names, dest=name, action="append", help=about, **_scalar(schema.get("items", {})))
    elif _is_scalar(schema):
        parser.add_argument(*names, dest=name, help=about, **_scalar(schema))
    else:
        parser.add_argument(*names, dest=name, metavar="JSON", type=_either(schema), help=about)


def _is_scalar(schema: Mapping[str, Any]) -> bool:
    return "enum" in schema or schema.get("type") in _READ


def _scalar(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        # As they are written on a command line; what is sent is the schema's own value.
        known = {str(value): value for value in schema["enum"]}
        return {"type": lambda text: known.get(text, text), "choices": list(schema["enum"]), "metavar": _choices(known)}
    kind = str(schema["type"])
    return {"type": _READ[kind], "metavar": {"integer": "N", "number": "N"}.get(kind, "TEXT")}


def _choices(known: Mapping[str, Any]) -> str:
    return "{" + ",".join(known).replace("%", "%%") + "}"


def _either(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return what reads a value of several types: as JSON if it is some of a wanted type, else as text if it may be."""
    text_too = any(one.get("type") == "string" or "enum" in one for one in schema.get("anyOf", ()))
    number_too = any(one.get("type") in ("integer", "number") for one in schema.get("anyOf", ()))

    def read(text: str) -> Any:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            if text_too:
                return text
            raise argparse.ArgumentTypeError("write it as JSON") from None
        return value if not text_too or isinstance(value, dict | list) or (number_too and _is_number(value)) else text

    return read


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _resolved(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema that a `$ref` into `$defs` stands for, with what is said beside it."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/$defs/"):
        return schema
    named = whole.get("$defs", {}).get(reference.rpartition("/")[2], {})
    return {**named, **{name: value for name, value in schema.items() if name != "$ref"}}


def _example(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples")
    if not examples:
        return ""
    shown = examples[0] if isinstance(examples[0], str) else json.dumps(examples[0], ensure_ascii=False)
    return f" Such as {plain(shown)}."


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
