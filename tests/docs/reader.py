"""Somebody who pastes what a page prints into a shell, and compares what comes with what is printed."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devmesh.demo.github import GitHub
from devmesh.demo.served import Served

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PRINTED_URL = "http://localhost:8081"

_COMPOSE = """\
#!{python}
# Stands for docker-compose: has the log of the one server that the test runs.
import pathlib, sys, yaml
assert sys.argv[1:] == ["-f", "docker-compose.local.yml", "logs", "rest-api"], sys.argv
assert "rest-api" in yaml.safe_load(pathlib.Path({file!r}).read_text())["services"]
for line in pathlib.Path({log!r}).read_text().splitlines():
    print("rest-api-1  | " + line)
"""
_DEVMESH = "#!{python}\nfrom devmesh.cli import main\nraise SystemExit(main())\n"
# What differs from run to run, and by what it is known to be of the printed kind.
_KINDS = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    r"(adm|usr|agt|gw)_[A-Za-z0-9_-]{43}",
    r"(adm|usr|agt)_[A-Za-z0-9_-]{4}",
    r"[0-9a-f]{64}",
    r"[0-9a-f]{26}",
    r"mfa_[A-Za-z0-9_-]{43}",
    r"[A-Z2-7]{32}",  # the secret of one-time codes
    r"otpauth://totp/[^?]+\?secret=[A-Z2-7]{32}&[a-zA-Z0-9%&=]+",
    r"[0-9A-Z]{4}(-[0-9A-Z]{4}){5}",  # a recovery code
)


@dataclass(frozen=True)
class Pasted:
    """What one block printed."""

    output: str
    errors: str

    def values(self) -> Iterator[Any]:
        """Yield the JSON values that it printed."""
        decoder = json.JSONDecoder()
        at = 0
        while match := re.compile(r"\s*(?=[\[{])").match(self.output, at):
            value, at = decoder.raw_decode(self.output, match.end())
            yield value


class Reader:
    """One person at one shell; `shim` puts our own small curl in place of the machine's."""

    def __init__(self, served: Served, github: GitHub, place: Path, *, shim: bool) -> None:
        self.served = served
        self._github = github
        self._place = place
        self._environ = os.environ | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
        self._environ |= {"DEVMESH_DATA_DIR": str(served.data_dir), "XDG_CONFIG_HOME": str(place / "config")}
        # No keyring of whoever runs the tests has a say.
        self._environ |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        python, log = sys.executable, str(served.log)
        self._put(
            "docker-compose", _COMPOSE.format(python=python, log=log, file=str(ROOT / "docker-compose.local.yml"))
        )
        self._put("devmesh", _DEVMESH.format(python=python))
        # Where `make install` puts what is installed.
        (place / ".venv").mkdir()
        (place / ".venv" / "lib").symlink_to(Path(sys.prefix) / "lib")
        self._put("python3", f'#!/bin/sh\nexec {python} "$@"\n')
        if shim:
            self._put("curl", f'#!/bin/sh\nexec {python} -I {HERE / "curl.py"} "$@"\n')

    def here(self, text: str) -> str:
        """Return the text as it is on this machine, where the server has another port and GitHub another address."""
        text = text.replace(PRINTED_URL, self.served.url).replace("api.github.com", "127.0.0.1")
        metadata = f'"metadata": {{"base_url": "{self._github.url}", '
        text = re.sub(r'"metadata": \{(?![^}]*"base_url")', metadata, text)
        text = text.replace(
            "devmesh connect github <<<", f"devmesh connect github --field base_url={self._github.url} <<<"
        )
        # What else serves on the usual port of this machine is no concern of the tests.
        text = text.replace("devmesh doctor", f"devmesh doctor --port {urlsplit(self.served.url).port}")
        token = '-H "X-Service-GitHub-Token: $GITHUB_TOKEN"'
        return text.replace(token, f'{token} -H "X-Service-GitHub-Base-Url: {self._github.url}"')

    def paste(self, blocks: Iterable[str]) -> list[Pasted]:
        """Paste the blocks into one bash, in order; the first that fails is told with all that it said."""
        texts = list(blocks)
        script = ["set -eo pipefail"]
        for number, text in enumerate(texts):
            script += ["{", self.here(text), f"}} > {self._place / f'{number}.out'} 2> {self._place / f'{number}.err'}"]
        done = subprocess.run(
            ["/bin/bash", "-c", "\n".join(script)], env=self._environ, cwd=self._place, check=False, timeout=240
        )
        found = [self._pasted(number) for number in range(len(texts)) if (self._place / f"{number}.out").exists()]
        assert done.returncode == 0, f"{texts[len(found) - 1]}\n{found[-1]}"
        return found

    def _pasted(self, number: int) -> Pasted:
        output, errors = ((self._place / f"{number}.{kind}").read_text() for kind in ("out", "err"))
        return Pasted(output, errors)

    def _put(self, name: str, text: str) -> None:
        file = self._place / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)


def differences(printed: Any, came: Any, where: str = "", *, values: bool = True) -> list[str]:
    """Return where the reply lacks what is printed: fields, their types and, with `values`, words that never vary."""
    if isinstance(printed, dict):
        if not isinstance(came, dict):
            return [f"{where}: expected an object, came {came!r}"]
        missing = [f"{where}.{name} is missing" for name in printed if name not in came]
        shared = (name for name in printed if name in came)
        return missing + [
            text for name in shared for text in differences(printed[name], came[name], f"{where}.{name}", values=values)
        ]
    if isinstance(printed, list):
        if not isinstance(came, list):
            return [f"{where}: expected a list, came {came!r}"]
        tried = [[differences(each, real, f"{where}[]", values=values) for real in came] for each in printed]
        return [
            text
            for each in tried
            if not any(found == [] for found in each)
            for text in min(each, key=len, default=["none"])
        ]
    if values and isinstance(printed, str | bool | None) and not _alike(printed, came):
        return [f"{where}: printed {printed!r}, came {came!r}"]
    same = isinstance(came, int | float) if isinstance(printed, float) else type(came) is type(printed)
    return [] if same else [f"{where}: printed {printed!r}, came {came!r}"]


def _alike(printed: object, came: object) -> bool:
    if printed in (came, "…"):
        return True
    return any(re.fullmatch(kind, str(printed)) and re.fullmatch(kind, str(came)) for kind in _KINDS)
