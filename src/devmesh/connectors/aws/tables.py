"""Databases: DynamoDB's tables, and the servers of RDS."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import KeyTokens, Tokens

TableName = Annotated[
    str,
    Meta(
        description="Name or ARN of the table.",
        pattern="^[A-Za-z0-9_.:/-]+$",
        max_length=1024,
        examples=["orders"],
    ),
]
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
_TYPED = '{"S": "text"}, {"N": "1.5"}, {"BOOL": true}, {"M": {…}}, {"L": […]}, {"B": {"base64": "…"}}'
Attributes = dict[str, dict[str, Any]]


@CONNECTOR.tool(
    items="TableNames",
    paging=Tokens("ExclusiveStartTableName", "LastEvaluatedTableName", size="Limit", most=100),
)
def list_tables() -> Call:
    """Return the names of the region's DynamoDB tables."""
    return call("dynamodb:ListTables")


@CONNECTOR.tool(items="Items", paging=KeyTokens("ExclusiveStartKey", "LastEvaluatedKey", size="Limit", most=1000))
def query_table(
    table_name: TableName,
    key_condition_expression: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4096)] | None,
        Meta(description="Such as `id = :id and begins_with(day, :day)`: the partition key must be given."),
    ] = None,
    expression_attribute_values: Annotated[
        Attributes | None,
        Meta(description=f"The values that the expressions name, typed: {_TYPED}.", examples=[{":id": {"S": "7"}}]),
    ] = None,
    expression_attribute_names: Annotated[
        dict[str, str] | None,
        Meta(description='Names for attributes that are reserved words: {"#n": "name"}.', examples=[{"#n": "name"}]),
    ] = None,
    index_name: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{3,255}$", examples=["by-day"])] | None,
        Meta(description="Ask this index of the table."),
    ] = None,
) -> Call:
    """Return the items of a DynamoDB table with one partition key, in the order of their sort keys, values typed.

    `limit` counts the items looked at. For a single item: get_item.
    """
    return call(
        "dynamodb:Query",
        TableName=table_name,
        IndexName=index_name,
        KeyConditionExpression=key_condition_expression,
        ExpressionAttributeValues=expression_attribute_values,
        ExpressionAttributeNames=expression_attribute_names,
    )


@CONNECTOR.tool()
def get_item(
    table_name: TableName,
    key: Annotated[
        Attributes, Meta(description="The whole primary key, typed.", min_length=1, examples=[{"id": {"S": "7"}}])
    ],
    consistent_read: Annotated[
        bool | None, Meta(description="True: with every write that was answered before, at twice the cost.")
    ] = None,
) -> Call:
    """Return one item of a DynamoDB table by its key, its values typed; no Item where there is none."""
    return call("dynamodb:GetItem", TableName=table_name, Key=key, ConsistentRead=consistent_read)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def put_item(
    table_name: TableName,
    item: Annotated[
        Attributes,
        Meta(
            description=f"All attributes of the item, its key among them, typed: {_TYPED}.",
            min_length=1,
            examples=[{"id": {"S": "7"}}],
        ),
    ],
    condition_expression: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4096)] | None,
        Meta(description="Write only if this holds of the present item, such as attribute_not_exists(id)."),
    ] = None,
) -> Call:
    """Write an item into a DynamoDB table; without a condition it takes the place of a former one as a whole."""
    return call("dynamodb:PutItem", TableName=table_name, Item=item, ConditionExpression=condition_expression)


@CONNECTOR.tool(items="DBInstances", paging=Tokens("Marker", size="MaxRecords", least=20, most=100))
def describe_db_instances(
    db_instance_identifier: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9:._-]+$", max_length=255, examples=["orders-production"])] | None,
        Meta(description="Only this one, by name or ARN."),
    ] = None,
) -> Call:
    """Return the region's database servers (RDS): engine and version, class, state, address, backups, network."""
    return call("rds:DescribeDBInstances", DBInstanceIdentifier=db_instance_identifier)
