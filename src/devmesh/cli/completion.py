"""`devmesh completion`: what a shell needs to complete our commands, and the words that it then asks for."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import re
from collections.abc import Iterator, Sequence

from devmesh import cli
from devmesh.cli import people
from devmesh.client.failure import Failed
from devmesh.client.flags import Flags
from devmesh.client.server import Server, in_path

# What the scripts ask for; nobody types it.
_WORDS = "words"
# A shell waits for us while somebody looks at it.
_PATIENCE_SECONDS = 2.0
# Some words are the server's: none of them means anything to a shell.
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_SCRIPTS = {
    # Not compgen -W: that would run what stands in a word.
    "bash": """\
_devmesh() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(devmesh completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _devmesh devmesh
""",
    "zsh": """\
#compdef devmesh
_devmesh() {
    local -a found
    found=("${(@f)$(devmesh completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}
compdef _devmesh devmesh
""",
    "fish": """\
function __devmesh_words
    set -l given (commandline -opc)
    devmesh completion words -- $given[2..-1] (commandline -ct) 2>/dev/null
end
complete -c devmesh -a '(__devmesh_words)'
""",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the shell."""
    parser.add_argument("shell", choices=[*_SCRIPTS, _WORDS], metavar="SHELL", help=f"one of {', '.join(_SCRIPTS)}")
    # What the scripts call: prints the words that the last one may become.
    parser.add_argument("given", nargs="*", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Print the script, or the words."""
    return people.told(_print, options)


def _print(options: argparse.Namespace) -> None:
    if options.shell in _SCRIPTS:
        print(_SCRIPTS[options.shell], end="")
        return
    *before, begun = options.given or [""]
    for word in sorted(set(words(before))):
        if _WORD.fullmatch(word) and word.startswith(begun) and (begun or not word.startswith("-")):
            print(word)


def words(before: Sequence[str]) -> Iterator[str]:
    """Yield what may follow the words, options included; what only the server knows, if it answers in time."""
    if not before:
        yield from (*cli.COMMANDS, "--help", "--version")
        return
    parser = argparse.ArgumentParser(prog=f"devmesh {before[0]}")
    if before[0] not in cli.COMMANDS:
        return
    importlib.import_module(f"devmesh.cli.{before[0].replace('-', '_')}").arguments(parser)
    yield from _after(parser, list(before[1:]), before)


def _after(parser: argparse.ArgumentParser, rest: list[str], before: Sequence[str]) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001 - nothing public lists them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            if rest and rest[0] in action.choices:
                yield from _after(action.choices[rest[0]], rest[1:], before)
                return
            yield from action.choices
    options = {name: action for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - as above
    last = options.get(rest[-1]) if rest else None
    if last is not None and last.nargs is None:  # it waits for its value
        yield from map(str, last.choices or ())
        return
    yield from (name for name, action in options.items() if action.help != argparse.SUPPRESS)
    yield from _values(parser, rest, before)


def _values(parser: argparse.ArgumentParser, rest: Sequence[str], before: Sequence[str]) -> Iterator[str]:
    positional = [action for action in parser._actions if not action.option_strings]  # noqa: SLF001 - as above
    given = [word for word in rest if not word.startswith("-")]
    if positional and not given and positional[0].choices and not isinstance(positional[0].choices, dict):
        yield from (str(choice) for choice in positional[0].choices if choice != _WORDS)
    with contextlib.suppress(Failed):
        yield from _known(before, given)


def _known(before: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    """Yield what only the server knows: services, tools, and a tool's arguments."""
    match list(before[:2]), given:
        case ["connect", *_], []:
            yield from (one["service"] for one in _server().ask("GET", "/services").listed("services"))
        case ["tools", "list"], []:
            yield from (one["service"] for one in _server().ask("GET", "/services").listed("services"))
        case ["tools", "describe" | "call"], []:
            yield from (tool["name"] for tool in _server().pages("/tools", "tools"))
        case ["tools", "call"], [name, *_]:
            tool = _server().ask("GET", f"/tools/{in_path(name)}")
            yield from Flags.of(name, tool["input_schema"]).names()
        case _:
            return


def _server() -> Server:
    options = argparse.Namespace(url=None, insecure=False)
    found = people.server(options)
    found.longest_wait, found.whole_seconds = 0, _PATIENCE_SECONDS
    return found
