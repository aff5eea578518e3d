"""Buckets and their objects (S3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens
from devmesh.errors import Fault, Invalid

Bucket = Annotated[
    str,
    Meta(
        description="Name of the bucket (or ARN of an access point).",
        min_length=3,
        max_length=255,
        pattern="^[A-Za-z0-9._:/-]+$",
        examples=["my-bucket"],
    ),
]
Key = Annotated[
    str, Meta(description="Key of the object: its whole name, slashes included.", min_length=1, max_length=1024)
]
VersionId = Annotated[
    Annotated[str, Meta(min_length=1, max_length=1024)] | None,
    Meta(description="This version of it; omitted: the newest."),
]


@CONNECTOR.tool(items="Buckets", paging=Tokens("ContinuationToken", size="MaxBuckets", most=10_000))
def list_buckets(
    prefix: Annotated[
        Annotated[str, Meta(min_length=1, max_length=63)] | None, Meta(description="Only names that begin so.")
    ] = None,
) -> Call:
    """Return the account's buckets of all regions: name, region and when each was made."""
    return call("s3:ListBuckets", Prefix=prefix)


@CONNECTOR.tool(
    items="Contents", paging=Tokens("ContinuationToken", "NextContinuationToken", size="MaxKeys", most=1000)
)
def list_objects(
    bucket: Bucket,
    prefix: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1024)] | None, Meta(description="Only keys that begin so.")
    ] = None,
    delimiter: Annotated[
        Annotated[str, Meta(min_length=1, max_length=100)] | None,
        Meta(description="With `/`: keys below a further slash are told once, as CommonPrefixes (like folders)."),
    ] = None,
) -> Call:
    """Return the objects of a bucket by key: size, ETag, when each was written; not their content (get_object)."""
    # Encoded, for a key may hold what XML cannot: else whoever may write one would make the list unreadable.
    return call("s3:ListObjectsV2", Bucket=bucket, Prefix=prefix, Delimiter=delimiter, EncodingType="url")


@CONNECTOR.tool()
def get_object(
    bucket: Bucket,
    key: Key,
    range: Annotated[  # noqa: A002  the argument's name in S3
        Annotated[str, Meta(pattern="^bytes=([0-9]+-[0-9]*|-[0-9]+)$", max_length=60, examples=["bytes=0-65535"])]
        | None,
        Meta(description="Only these bytes: for objects of more than 8 MB, and to look at a large one's beginning."),
    ] = None,
    version_id: VersionId = None,
) -> Call:
    """Return an object: its Body (text, or base64 if it is none), ContentType, Metadata, ETag."""
    return call("s3:GetObject", Bucket=bucket, Key=key, Range=range, VersionId=version_id)


@CONNECTOR.tool()
def head_object(bucket: Bucket, key: Key, version_id: VersionId = None) -> Call:
    """Return what S3 knows of an object without its content: ContentLength, ContentType, Metadata, ETag, version."""
    return call("s3:HeadObject", Bucket=bucket, Key=key, VersionId=version_id)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def put_object(
    bucket: Bucket,
    key: Key,
    body: Annotated[
        str | dict[str, str], Meta(description='The content: text (stored as UTF-8), or bytes as {"base64": "…"}.')
    ],
    content_type: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | None,
        Meta(description="Its media type, such as text/markdown; omitted: application/octet-stream."),
    ] = None,
    metadata: Annotated[
        dict[str, Annotated[str, Meta(max_length=2048)]] | None,
        Meta(description="Names and values to keep beside it, ASCII, 2 KB in all."),
    ] = None,
    if_none_match: Annotated[
        Annotated[str, Meta(pattern=r"^\*$", examples=["*"])] | None,
        Meta(description="`*`: only if there is no object of that key yet; else one that is there is overwritten."),
    ] = None,
) -> Call:
    """Store an object and return its ETag and version; without if_none_match it takes the place of a former one."""
    if isinstance(body, dict) and body.keys() != {"base64"}:
        raise Invalid([Fault("body", 'must be text or {"base64": "…"}')])
    return call(
        "s3:PutObject",
        Bucket=bucket,
        Key=key,
        Body=body,
        ContentType=content_type,
        Metadata=metadata,
        IfNoneMatch=if_none_match,
    )


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_object(bucket: Bucket, key: Key, version_id: VersionId = None) -> Call:
    """Delete an object, for good unless the bucket keeps versions; a missing one is no error. Returns its marker."""
    return call("s3:DeleteObject", Bucket=bucket, Key=key, VersionId=version_id)


@CONNECTOR.tool(writes=True)
def create_bucket(
    bucket: Annotated[
        str,
        Meta(
            description="Name of the new bucket: unique among all accounts of the partition.",
            pattern="^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            examples=["my-bucket"],
        ),
    ],
    create_bucket_configuration: Annotated[
        dict[str, str] | None,
        Meta(
            description='Outside us-east-1, S3 wants the credential\'s region: {"LocationConstraint": "eu-central-1"}.'
        ),
    ] = None,
) -> Call:
    """Make a bucket in the credential's region, private and without versions, and return its Location."""
    return call("s3:CreateBucket", Bucket=bucket, CreateBucketConfiguration=create_bucket_configuration)
