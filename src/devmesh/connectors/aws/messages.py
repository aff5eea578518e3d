"""Messages: queues (SQS) and topics (SNS)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens

QueueUrl = Annotated[
    str,
    Meta(
        description="URL of the queue, from list_queues.",
        pattern=r"^https?://[^\s]+$",
        max_length=1024,
        examples=["https://sqs.eu-central-1.amazonaws.com/123456789012/jobs"],
    ),
]
_ARN = Annotated[
    str,
    Meta(pattern="^arn:[a-z0-9-]+:sns:.+$", max_length=2048, examples=["arn:aws:sns:eu-central-1:123456789012:alerts"]),
]


@CONNECTOR.tool(items="QueueUrls", paging=Tokens("NextToken", size="MaxResults", most=1000))
def list_queues(
    queue_name_prefix: Annotated[
        Annotated[str, Meta(min_length=1, max_length=80)] | None, Meta(description="Only queues whose name begins so.")
    ] = None,
) -> Call:
    """Return the URLs of the region's queues, as the other tools take them."""
    return call("sqs:ListQueues", QueueNamePrefix=queue_name_prefix)


@CONNECTOR.tool(writes=True)
def send_message(
    queue_url: QueueUrl,
    message_body: Annotated[str, Meta(min_length=1, max_length=1_048_576, description="The message, as text.")],
    delay_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=900)] | None, Meta(description="Hide it for so long; omitted: as the queue says.")
    ] = None,
    message_attributes: Annotated[
        dict[str, dict[str, Any]] | None,
        Meta(
            description='Attributes: {"kind": {"DataType": "String", "StringValue": "x"}}.',
            examples=[{"kind": {"DataType": "String", "StringValue": "x"}}],
        ),
    ] = None,
    message_deduplication_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="FIFO queues only: a second message with the same id within 5 minutes is not taken."),
    ] = None,
    message_group_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="Required by FIFO queues: messages of one group keep their order."),
    ] = None,
) -> Call:
    """Put a message into a queue and return its MessageId; whoever reads the queue acts on it."""
    return call(
        "sqs:SendMessage",
        QueueUrl=queue_url,
        MessageBody=message_body,
        DelaySeconds=delay_seconds,
        MessageAttributes=message_attributes,
        MessageDeduplicationId=message_deduplication_id,
        MessageGroupId=message_group_id,
    )


@CONNECTOR.tool(writes=True)
def receive_message(
    queue_url: QueueUrl,
    max_number_of_messages: Annotated[
        Annotated[int, Meta(ge=1, le=10)] | None, Meta(description="At most so many; omitted: one.")
    ] = None,
    wait_time_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=20)] | None, Meta(description="Wait so long for a message if there is none.")
    ] = None,
    visibility_timeout: Annotated[
        Annotated[int, Meta(ge=0, le=43_200)] | None,
        Meta(description="Hide them from other readers for so many seconds; omitted: as the queue says."),
    ] = None,
) -> Call:
    """Take messages from a queue: nobody else sees them for a time, then they come back unless they are deleted.

    Each counts as received, so that a queue may set it aside after some times. To delete: call_api with DeleteMessage.
    """
    return call(
        "sqs:ReceiveMessage",
        QueueUrl=queue_url,
        MaxNumberOfMessages=max_number_of_messages,
        WaitTimeSeconds=wait_time_seconds,
        VisibilityTimeout=visibility_timeout,
    )


@CONNECTOR.tool(items="Topics", paging=Tokens("NextToken", most=100))
def list_topics() -> Call:
    """Return the ARNs of the region's topics, to which publish_message publishes."""
    return call("sns:ListTopics")


@CONNECTOR.tool(writes=True)
def publish_message(
    message: Annotated[str, Meta(min_length=1, max_length=262_144, description="The message, as text.")],
    topic_arn: Annotated[_ARN | None, Meta(description="To everybody who has subscribed to this topic.")] = None,
    target_arn: Annotated[_ARN | None, Meta(description="To this endpoint of a mobile application.")] = None,
    subject: Annotated[
        Annotated[str, Meta(min_length=1, max_length=100)] | None, Meta(description="Subject, where it goes by mail.")
    ] = None,
) -> Call:
    """Publish a message to a topic (or a device) and return its MessageId; mails and functions follow at once."""
    return call("sns:Publish", Message=message, TopicArn=topic_arn, TargetArn=target_arn, Subject=subject)
