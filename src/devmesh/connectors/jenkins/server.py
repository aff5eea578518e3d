"""The server itself: who is asking, what is installed, and whether a Jenkinsfile is sound."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import Depth, ItemTree, Name, Tree, ranged
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url


@CONNECTOR.tool()
def get_current_user(tree: Tree = None) -> Request:
    """Return the profile of the credential's owner: id, full name, address and the user's properties."""
    return get("/me/api/json", tree=tree)


@CONNECTOR.tool()
def get_who_am_i() -> Request:
    """Return the name under which Jenkins sees these requests, the groups (authorities), and whether it is nobody."""
    return get("/whoAmI/api/json")


@CONNECTOR.tool()
def get_server_info(tree: Tree = None, depth: Depth = None) -> Request:
    """Return the server's top page: mode, executors, description, its jobs and views; list_jobs pages the jobs."""
    return get("/api/json", tree=tree, depth=depth)


@CONNECTOR.tool(items="views")
def list_views(tree: ItemTree = None) -> Request:
    """Return the views of the top level: name and address; get_view shows the jobs of one."""
    return get("/api/json", tree=ranged("views", "name,url", tree))


@CONNECTOR.tool()
def get_view(
    view_name: Annotated[Name, Meta(description="Name of the view, from list_views.")],
    tree: Tree = None,
    depth: Depth = None,
) -> Request:
    """Return one view of the top level with its description and jobs."""
    return get(url("/view/{view_name}/api/json", view_name=view_name), tree=tree, depth=depth)


@CONNECTOR.tool(items="plugins")
def list_plugins(tree: ItemTree = None) -> Request:
    """Return the installed plugins: short name, version, whether active, and whether there is an update."""
    members = "shortName,longName,version,active,enabled,hasUpdate,url"
    return get("/pluginManager/api/json", tree=ranged("plugins", members, tree))


@CONNECTOR.tool()
def validate_jenkinsfile(
    jenkinsfile: Annotated[
        str, Meta(min_length=1, max_length=500_000, description="The whole text of the Jenkinsfile.")
    ],
) -> Request:
    """Check a declarative Jenkinsfile and return `data.result` with the errors and their lines; nothing is run.

    Needs the plugin Pipeline: Model Definition; a scripted pipeline is refused.
    """
    return Request(method="POST", path="/pipeline-model-converter/validate", form={"jenkinsfile": jenkinsfile})
