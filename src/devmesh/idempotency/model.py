"""What is known of the first request under a key, and what stands against a repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from devmesh.errors import Conflict, MeshError

State = Literal["running", "acted", "kept", "told", "unknown"]


@dataclass(frozen=True, slots=True)
class First:
    """The row of a key: `digest` of it, `request` of what was asked; `attempt` is whoever runs or ran it."""

    digest: bytes = field(repr=False)
    request: bytes = field(repr=False)
    state: State
    attempt: UUID
    is_alive: bool
    object_id: str | None = None
    sealed: bytes | None = field(default=None, repr=False)


class IdempotencyKeyReused(MeshError):
    """The Idempotency-Key was used for another request: another body, or another query."""

    status = 422
    code = "idempotency_key_reused"
    error = "Idempotency Key Reused"
    hint = "Send a new Idempotency-Key with this request, or the first request's body unchanged, byte for byte."


class RequestInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "request_in_progress"
    error = "Request In Progress"
    hint = "Send the same request again after retry_after seconds: the reply is the first one's."

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.", retry_after=1)


class AlreadyDone(Conflict):
    """The first request with this Idempotency-Key was carried out, and its reply is not kept; `id` is the object's."""

    code = "already_done"
    error = "Already Done"
    hint = "Look at what was made, and send a new Idempotency-Key only if you want another one."

    def __init__(self, detail: str, object_id: str | None, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint, extra={"id": object_id})


class OutcomeUnknown(Conflict):
    """Whether the first request with this Idempotency-Key took effect, nobody can say."""

    code = "outcome_unknown"
    error = "Outcome Unknown"
    hint = (
        "Look at the present state (what it was to change, or GET /api/v1/audit); if it did not take effect, send the "
        "request with a new Idempotency-Key."
    )
