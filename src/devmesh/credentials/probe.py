"""Whether a service accepts a credential: one real read, which changes nothing."""

from __future__ import annotations

from devmesh.audit.entry import Entry
from devmesh.credentials.model import Chosen
from devmesh.errors import Invalid, MeshError
from devmesh.upstream.masking import masked, secrets_of
from devmesh.upstream.model import Connector, Verdict
from devmesh.upstream.send import Sender

# The cheapest read that there is: what takes longer is as good as away.
_SECONDS = 10.0
_MOST_BYTES = 1024 * 1024


async def ask(sender: Sender, connector: Connector, chosen: Chosen, organization: str, entry: Entry) -> Verdict:
    """Return what the service says of the credential; `organization` is the slug, for the address guard.

    Who answered is noted in `entry`, which is open. Whatever kept the service from saying is `unknown`.
    """
    probe = connector.probing(chosen.fields)
    try:
        request, base_url, signed = await connector.prepared(probe, chosen.fields, chosen.base_url)
        headers = {**connector.headers, **signed}
        reply = await sender.send(
            request,
            base_url=base_url,
            organization=organization,
            headers=headers,
            timeout=_SECONDS,
            max_bytes=_MOST_BYTES,
        )
    except Invalid as error:
        return Verdict("invalid", "; ".join(fault.message for fault in error.faults))
    except MeshError as error:
        return Verdict("unknown", f"{error.detail} {error.hint}")
    entry.upstream_host, entry.upstream_status = reply.host, reply.status
    if connector.translate is not None:
        reply = connector.translate(request, reply)
    # What the service says is kept, and shown to whoever manages the credential: nobody is shown the secret again.
    return connector.judge(masked(reply, secrets_of(connector, chosen.fields, signed)))
