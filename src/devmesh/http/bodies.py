"""Bodies that come in pieces: how much of them is held at a time for one tenant, or one address that is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

from devmesh.errors import BadRequest, RateLimited
from devmesh.http.problem import Receive

# Sixteen of the longest at once, and thousands of ordinary ones: whoever sends them slowly must not fill the memory.
MOST_HELD: Final = 64 * 1024 * 1024
_TRY_AGAIN = 1.0


class Bodies:
    """Reads bodies; `whose` is whom they are counted for until they are whole."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._held: Counter[Hashable] = Counter()

    async def whole(self, receive: Receive, whose: Hashable) -> bytes:
        """Return the request's whole body.

        Raises BadRequest if the client leaves in the middle of it, RateLimited if too much of `whose` bodies is held.
        """
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            return bytes(message.get("body", b""))
        parts: list[bytes] = []
        held = 0
        try:
            while message["type"] == "http.request":
                part = message.get("body", b"")
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
                held += len(part)
                self._held[whose] += len(part)
                if self._held[whose] > self._most:
                    raise RateLimited(
                        f"More than {self._most} bytes of your requests are under way.", retry_after=_TRY_AGAIN
                    )
                message = await receive()
        finally:
            self._held[whose] -= held
            if not self._held[whose]:
                del self._held[whose]
        raise BadRequest("The connection ended before the body did.")


# Of this process: MCP and REST count together.
BODIES: Final = Bodies()
