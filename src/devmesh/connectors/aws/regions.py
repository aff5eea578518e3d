"""Which regions there are, as botocore's data lists those of all partitions; read without importing botocore."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from devmesh.errors import Fault

# A host's label: what a region is written into.
_LABEL = re.compile("(?![0-9]+$)(?!-)[a-z0-9-]{1,63}(?<!-)")
_NONE = "is none of AWS's regions, as far as this server's botocore knows them"


def wrong(region: str, *, own_server: bool) -> str | None:
    """Return what is wrong with a region, None for nothing; a server of one's own may call its region anything.

    The region is not repeated: who mistakes the fields may have written a secret there.
    """
    if not _LABEL.fullmatch(region):
        return "must be a region's code, such as eu-central-1"
    known = _regions()
    if own_server or not known or region in known:
        return None
    near = difflib.get_close_matches(region, known, n=1, cutoff=0.75)
    return f"{_NONE}: {f'is it {near[0]}?' if near else 'describe_regions lists them, such as eu-central-1'}"


def faults(fields: Mapping[str, str]) -> Iterator[Fault]:
    """Yield what is wrong with the region of a credential of these fields."""
    if fault := wrong(fields["region"], own_server="base_url" in fields):
        yield Fault("region", fault)


@cache
def _regions() -> tuple[str, ...]:
    """Return the regions' codes; none where botocore is not installed."""
    found = importlib.util.find_spec("botocore")
    if found is None or found.origin is None:
        return ()
    partitions = msgspec.json.decode((Path(found.origin).parent / "data" / "partitions.json").read_bytes())
    return tuple(region for partition in partitions["partitions"] for region in partition["regions"])
