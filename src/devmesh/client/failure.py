"""How a command ends that could not do its work: in words for a person, and as an exit code for a program."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says; docs/guide/command-line.md lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    AWAY = 5
    LATER = 6
    UNCHECKED = 7
    INTERRUPTED = 130


class Failed(Exception):
    """What happened, and in `hint` the next step; neither holds a secret."""

    def __init__(self, what: str, hint: str = "", code: Exit = Exit.FAILED) -> None:
        self.what = what
        self.hint = hint
        self.code = code
        super().__init__(what)


class Away(Failed):
    """No server of ours answered, or not to the end."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint, Exit.AWAY)


class Refused(Failed):
    """The server answered with a problem: its `status`, and its `problem` code, which is stable."""

    def __init__(self, status: int, problem: str, what: str, hint: str = "", retry_after: float | None = None) -> None:
        self.status = status
        self.problem = problem
        self.retry_after = retry_after
        # The service behind the server is away, the server is not.
        of_service = problem.startswith("upstream_")
        super().__init__(what, hint, Exit.FAILED if of_service else _CODES.get(status, Exit.FAILED))


_CODES = {
    401: Exit.REFUSED,
    403: Exit.REFUSED,
    404: Exit.NOT_FOUND,
    429: Exit.LATER,
    502: Exit.AWAY,
    503: Exit.AWAY,
    504: Exit.AWAY,
}
