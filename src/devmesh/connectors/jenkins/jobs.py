"""Jobs and folders: find, read, configure, switch."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import (
    XML,
    Depth,
    FolderPath,
    ItemTree,
    JobPath,
    Tree,
    below,
    inside,
    octets,
    ranged,
)
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

NewName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[^/\\?*%!@#$^&|<>\[\]:;\x00-\x1f]+$",
        description="Name of the new job, without its folder.",
        examples=["nightly"],
    ),
]
ConfigXml = Annotated[
    str,
    Meta(min_length=1, max_length=2_000_000, description="The job's whole configuration, as get_job_config shows it."),
]


@CONNECTOR.tool(items="jobs")
def list_jobs(folder_path: FolderPath = None, tree: ItemTree = None) -> Request:
    """Return the jobs and folders of one folder or of the top level: name, full name, color (last result), address.

    Folders (and multibranch projects, whose jobs are the branches) have no color; list them in turn.
    """
    members = "name,fullName,url,color,buildable,description"
    return get(inside(folder_path, "/api/json"), tree=ranged("jobs", members, tree))


@CONNECTOR.tool()
def get_job(job_path: JobPath, tree: Tree = None, depth: Depth = None) -> Request:
    """Return one job: whether it can be built, its parameters (`property`), last builds, health; or one folder."""
    return get(below(job_path, "/api/json"), tree=tree, depth=depth)


@CONNECTOR.tool(writes=True)
def create_job(name: NewName, config_xml: ConfigXml, folder_path: FolderPath = None) -> Request:
    """Create a job (or folder) from its XML and return nothing; a name that exists is refused with 400."""
    return Request(
        method="POST",
        path=inside(folder_path, "/createItem"),
        query={"name": name},
        content=octets(config_xml, "config_xml"),
        headers=XML,
    )


@CONNECTOR.tool(writes=True)
def copy_job(
    name: NewName,
    from_: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2000,
            description="The job to copy: its name within the same folder, or its full name with a slash before it.",
        ),
    ],
    folder_path: FolderPath = None,
) -> Request:
    """Create a job as a copy of another and return nothing; a name that exists is refused with 400.

    Jenkins builds the copy only after it was configured once: disable_job, then enable_job does.
    """
    query = {"name": name, "mode": "copy", "from": from_}
    return Request(method="POST", path=inside(folder_path, "/createItem"), query=query)


@CONNECTOR.tool(projects=False)
def get_job_config(job_path: JobPath) -> Request:
    """Return a job's configuration as XML text, which update_job_config and create_job take.

    Secrets in it are encrypted; before Jenkins 2.541 the token that starts builds from outside (`authToken`) is not.
    """
    return get(below(job_path, "/config.xml"))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def update_job_config(job_path: JobPath, config_xml: ConfigXml) -> Request:
    """Replace a job's whole configuration and return nothing: change what get_job_config gave and send all of it."""
    return Request(
        method="POST", path=below(job_path, "/config.xml"), content=octets(config_xml, "config_xml"), headers=XML
    )


@CONNECTOR.tool(writes=True, idempotent=True)
def enable_job(job_path: JobPath) -> Request:
    """Let a disabled job be built again; returns nothing."""
    return Request(method="POST", path=below(job_path, "/enable"))


@CONNECTOR.tool(writes=True, idempotent=True)
def disable_job(job_path: JobPath) -> Request:
    """Keep a job from being built, by hand or by triggers, until enable_job; builds that run go on. Returns nothing."""
    return Request(method="POST", path=below(job_path, "/disable"))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_job(job_path: JobPath) -> Request:
    """Remove a job with all its builds, or a folder with everything in it, for good; returns nothing."""
    return Request(method="POST", path=below(job_path, "/doDelete"))
