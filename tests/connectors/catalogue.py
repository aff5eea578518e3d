"""The catalogue of the services' operations beside a checkout, with the deviations that a service documents.

`deviations/<service>.json` holds for each tool (`*`: all of them) what is otherwise here, each with its `reason`:
`renamed` (their name: ours), `left_out`, `required` and `optional` arguments; `method`, `path`, `read_only` and
`destructive` as they are here; `base`, the path's beginning that belongs to the base URL; `slashes`, the parameters
of the path that hold them; `ours_alone` for a tool that the catalogue does not have; `undescribed` for one whose
requests the service's description does not have as the service takes them (true: none; or the numbers of the records).

`evidence.json` holds where each operation was found that the catalogue itself knows by hearsay.
"""

import json
import re
from pathlib import Path

import yaml

HERE = Path(__file__).parent
# The vendors' own descriptions and the catalogue of operations lie beside a checkout, not in it.
VENDORS = HERE.parents[2] / "shared" / "vendors"
FILE = VENDORS / "catalogue.yaml"
FACTS = ("method", "path", "read_only", "destructive", "slashes", "ours_alone")
HEARSAY = "inference"
# The vendors' names for the size and the place of a page, for which all tools here take `limit` and `cursor`.
PAGING = {
    "github": {"per_page", "page"},
    "harness": {"pageIndex", "pageSize", "page", "size", "pageNumber"},
    "jira": {"startAt", "maxResults", "nextPageToken"},
    "gitlab": {"per_page", "page", "page_token"},
    "bitbucket": {"pagelen", "page"},
    "jenkins": {"limit", "offset"},
    "sonarqube": {"p", "ps", "pageIndex", "pageSize"},
    "artifactory": {"limit", "cursor", "n", "last"},
    "confluence": {"limit", "cursor", "start"},
    "aws": {
        *("NextToken", "nextToken", "NextPageToken", "ContinuationToken", "Marker", "ExclusiveStartTableName"),
        *("ExclusiveStartKey", "MaxResults", "maxResults", "MaxItems", "MaxRecords", "MaxKeys", "MaxBuckets"),
        *("Limit", "limit"),
    },
    "snyk": {"limit", "starting_after", "offset", "size", "cursor", "page", "perPage"},
    "slack": {"limit", "cursor", "count", "page"},
}


def read():
    """Return the catalogue's entries by service and tool, with `arguments` as `{name: whether it is required}`."""
    if not FILE.exists():
        return {}
    listed = yaml.load(FILE.read_text(), yaml.CSafeLoader)
    return {
        service: {entry["name"].partition(".")[2]: entry_of(entry) for entry in entries}
        for service, entries in listed.items()
    }


def hearsay():
    """Return the tools whose operations the catalogue found in no description and no source."""
    listed = yaml.load(FILE.read_text(), yaml.CSafeLoader)
    return {one["name"] for entries in listed.values() for one in entries if one["evidence"] == HEARSAY}


def entry_of(entry):
    """Return what of a listed operation is compared."""
    arguments = dict.fromkeys(entry["required"], True) | dict.fromkeys(entry["optional"], False)
    return {"arguments": arguments, **{name: entry[name] for name in FACTS if name in entry}}


def deviations(service):
    """Return the documented deviations as (tool, deviation); the tool `*` stands for all."""
    path = HERE / "deviations" / f"{service}.json"
    documented = json.loads(path.read_text()) if path.exists() else {}
    return [(tool, one) for tool, several in documented.items() for one in several]


def corrected(entry, deviation):
    """Return the entry with what is otherwise here."""
    renamed, left_out = deviation.get("renamed", {}), deviation.get("left_out", ())
    arguments = {renamed.get(name, name): need for name, need in entry["arguments"].items() if name not in left_out}
    arguments |= dict.fromkeys(deviation.get("required", ()), True) | dict.fromkeys(
        deviation.get("optional", ()), False
    )
    facts = {name: deviation[name] for name in FACTS if name in deviation}
    path = facts.get("path", entry["path"]).removeprefix(deviation.get("base", ""))
    return {**entry, **facts, "arguments": arguments, "path": path}


def expected(service, name, entry):
    """Return the entry of the tool with every deviation that concerns it."""
    for tool, deviation in deviations(service):
        if tool in ("*", name):
            entry = corrected(entry, deviation)
    return entry


def snake(name):
    """Return the name as arguments are written here: `scan_item.id` and `DBInstanceId` become snake_case."""
    name = re.sub(r"[-.]", "_", name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def pattern_of(entry):
    """Return what matches the paths of the operation."""
    parts = re.split(r"(/?\{[^}]+\})", entry["path"])
    slashed = {f"/{{{name}}}" for name in entry.get("slashes", ())}
    open_, segment = "(?:/.*)?", "[^/]+"
    return "".join(
        open_ if part in slashed else re.escape(part[: part.index("{")]) + segment if "{" in part else re.escape(part)
        for part in parts
    )
