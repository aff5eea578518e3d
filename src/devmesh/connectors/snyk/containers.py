"""Container images that Snyk has scanned."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.snyk.arguments import Names, OrgId, joined
from devmesh.connectors.snyk.calls import rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.upstream.model import Request, url

_Platform = Annotated[
    str, Meta(pattern="^[a-z0-9]{2,20}/[a-z0-9_]{2,20}(/v[5-8])?$", max_length=40, examples=["linux/amd64"])
]


@CONNECTOR.tool(items="data")
def list_container_images(
    org_id: OrgId,
    names: Annotated[Names | None, Meta(description="Only images of these names, such as alpine:3.20.")] = None,
    platform: Annotated[_Platform | None, Meta(description="Only images for this system and processor.")] = None,
) -> Request:
    """Return an organization's container images: id (the digest), names, platform, layers."""
    return rest(url("/orgs/{org_id}/container_images", org_id=org_id), names=joined(names), platform=platform)


@CONNECTOR.tool()
def get_container_image(
    org_id: OrgId,
    image_id: Annotated[
        str,
        Meta(
            description="Digest of the image, from list_container_images.",
            pattern="^sha256:[a-f0-9]{64}$",
            examples=["sha256:2bd864580926b790a22c8b96fd74496fe87b3c59c0774fe144bab2788e78e676"],
        ),
    ],
) -> Request:
    """Return one container image: names, platform, layers."""
    return rest(url("/orgs/{org_id}/container_images/{image_id}", org_id=org_id, image_id=image_id))
