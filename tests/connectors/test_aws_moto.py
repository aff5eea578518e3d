"""The tools end to end against moto, which checks every signature and every permission as AWS does."""

import json
import os
import subprocess
import sys

import pytest

from connectors.aws_world import AWS, FIELDS, PATIENCE, built, sender_to, sent

SERVER = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
# So many calls are let through unsigned: those that make the user, its key and its policy.
UNSIGNED = 3
# Everything but SNS.
POLICY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
  "cloudformation:*", "cloudwatch:*", "codebuild:*", "codepipeline:*", "dynamodb:*", "ec2:*", "ecr:*", "ecs:*",
  "eks:*", "iam:*", "lambda:*", "logs:*", "rds:*", "s3:*", "secretsmanager:*", "sqs:*", "ssm:*", "sts:*"]}]}"""
ADA = {"AWS": "arn:aws:iam::123456789012:user/ada"}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": ADA}]}
BUCKET = "a-bucket"
# With a blank, what must be encoded, and slashes side by side.
KEY = "folder//a b+c?d=e&ü%2F~#.txt"


class World:
    """A moto that asks everybody for a signature, and the fields of one of its users."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.sender = sender_to(port)
        self.fields = FIELDS

    async def call(self, name, /, **arguments):
        return await sent(self.sender, built(name, **arguments), self.fields, self.url)

    async def api(self, name, fields=None, **parameters):
        service, operation = name.split(":")
        call = built("call_api", service=service, operation=operation, parameters=parameters)
        return await sent(self.sender, call, fields or self.fields, self.url)

    async def page(self, name, /, **arguments):
        """Return the page of a list as the gateway shows it."""
        tool, call = AWS.tools[name], built(name, **arguments)
        return tool.page(await sent(self.sender, call, self.fields, self.url), call)


@pytest.fixture(scope="module", autouse=True)
def patience():
    """The first call to EC2 has moto read all of Amazon's machines and images."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("devmesh.upstream.connection.READ_SECONDS", PATIENCE)
        yield


@pytest.fixture(scope="module")
def port():
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(UNSIGNED), "AWS_DEFAULT_REGION": "eu-central-1"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield int(server.stdout.readline())
        server.stdin.close()


@pytest.fixture(scope="module")
async def world(port):
    world = World(port)
    await world.api("iam:CreateUser", UserName="ada")
    key = (await world.api("iam:CreateAccessKey", UserName="ada")).json()["AccessKey"]
    await world.api("iam:PutUserPolicy", UserName="ada", PolicyName="most", PolicyDocument=POLICY)
    world.fields = {**FIELDS, "access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}
    yield world
    await world.sender.close()


async def verdict(world, **fields):
    return AWS.judge(await sent(world.sender, AWS.probe, {**world.fields, **fields}, world.url))


async def test_the_key_of_a_user_is_valid_and_says_whose_it_is(world):
    told = await verdict(world)
    assert (told.status, told.identity.account) == ("valid", "arn:aws:iam::123456789012:user/ada")


async def test_a_wrong_secret_is_refused_for_its_signature(world):
    told = await verdict(world, secret_key="another")
    assert told.status == "invalid"
    assert "secret_key" in told.reason


async def test_a_key_that_does_not_exist_is_invalid(world):
    told = await verdict(world, access_key="AKIAIOSFODNN7EXAMPLE")
    assert told.status == "invalid"
    assert "access_key" in told.reason


async def test_what_a_policy_does_not_allow_is_denied_and_said_so(world):
    reply = await world.call("list_topics")
    failure = AWS.explain(reply)
    assert reply.status == 403
    assert "AccessDenied" in failure.message
    assert "policy" in failure.next_step


async def test_a_session_of_a_role_signs_with_its_token(world):
    role = (await world.api("iam:CreateRole", RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))).json()[
        "Role"
    ]
    await world.api("iam:PutRolePolicy", RoleName="reader", PolicyName="most", PolicyDocument=POLICY)
    made = (await world.api("sts:AssumeRole", RoleArn=role["Arn"], RoleSessionName="agent")).json()["Credentials"]
    session = {
        "access_key": made["AccessKeyId"],
        "secret_key": made["SecretAccessKey"],
        "session_token": made["SessionToken"],
    }
    told = await verdict(world, **session)
    assert (told.status, told.identity.account) == ("valid", "arn:aws:sts::123456789012:assumed-role/reader/agent")
    assert (await verdict(world, **{**session, "secret_key": "another"})).status == "invalid"


async def test_an_object_is_stored_seen_read_in_part_and_deleted(world):
    assert (
        await world.call(
            "create_bucket", bucket=BUCKET, create_bucket_configuration={"LocationConstraint": "eu-central-1"}
        )
    ).status == 200
    assert [one["Name"] for one in (await world.page("list_buckets")).items] == [BUCKET]
    stored = await world.call("put_object", bucket=BUCKET, key=KEY, body="It is “50 %”.", metadata={"by": "ada"})
    assert stored.status == 200
    head = (await world.call("head_object", bucket=BUCKET, key=KEY)).json()
    assert (head["ContentLength"], head["Metadata"]) == (17, {"by": "ada"})
    assert (await world.call("get_object", bucket=BUCKET, key=KEY)).json()["Body"] == "It is “50 %”."
    assert (await world.call("get_object", bucket=BUCKET, key=KEY, range="bytes=0-1")).json()["Body"] == "It"
    await world.call("put_object", bucket=BUCKET, key="bytes", body={"base64": "/wAB"})
    assert (await world.call("get_object", bucket=BUCKET, key="bytes")).json()["Body"] == {"base64": "/wAB"}
    listed = await world.page("list_objects", bucket=BUCKET, limit=1)
    rest = await world.page("list_objects", bucket=BUCKET, limit=1, cursor=listed.next_cursor)
    assert [one["Key"] for one in (*listed.items, *rest.items)] == ["bytes", KEY]
    assert rest.next_cursor is None
    assert (await world.call("delete_object", bucket=BUCKET, key=KEY)).status == 204
    gone = await world.call("get_object", bucket=BUCKET, key=KEY)
    assert (gone.status, gone.json()["Error"]["Code"]) == (404, "NoSuchKey")
    assert (await world.call("head_object", bucket=BUCKET, key=KEY)).status == 404


async def test_several_objects_are_deleted_with_the_checksum_that_s3_asks_for(world):
    await world.api(
        "s3:CreateBucket", Bucket="another-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    await world.call("put_object", bucket="another-bucket", key="a", body="a")
    reply = await world.api("s3:DeleteObjects", Bucket="another-bucket", Delete={"Objects": [{"Key": "a"}]})
    assert reply.json()["Deleted"] == [{"Key": "a"}]


async def test_items_are_written_found_and_paged_through(world):
    await world.api(
        "dynamodb:CreateTable",
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "day", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "day", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert (await world.page("list_tables")).items == ["orders"]
    for day in range(3):
        item = {"id": {"S": "ü7"}, "day": {"N": str(day)}, "raw": {"B": {"base64": "/wAB"}}}
        assert (await world.call("put_item", table_name="orders", item=item)).status == 200
    again = await world.call(
        "put_item", table_name="orders", item=item, condition_expression="attribute_not_exists(id)"
    )
    assert again.json()["Error"]["Code"] == "ConditionalCheckFailedException"
    assert (await world.call("get_item", table_name="orders", key={"id": {"S": "ü7"}, "day": {"N": "2"}})).json()[
        "Item"
    ] == item
    found, cursor = [], None
    while not found or cursor:
        page = await world.page(
            "query_table",
            table_name="orders",
            key_condition_expression="id = :id",
            expression_attribute_values={":id": {"S": "ü7"}},
            limit=2,
            cursor=cursor,
        )
        found, cursor = [*found, page.items], page.next_cursor
    assert [[item["day"]["N"] for item in items] for items in found if items] == [["0", "1"], ["2"]]


async def test_a_message_goes_through_a_queue(world):
    url = (await world.api("sqs:CreateQueue", QueueName="jobs")).json()["QueueUrl"]
    assert (await world.page("list_queues", queue_name_prefix="jo")).items == [url]
    await world.call("send_message", queue_url=url, message_body='{"run": "é & <b>"}')
    taken = (await world.call("receive_message", queue_url=url)).json()["Messages"]
    assert [message["Body"] for message in taken] == ['{"run": "é & <b>"}']


async def test_machines_are_started_stopped_and_found(world):
    image = (await world.api("ec2:DescribeImages", Owners=["amazon"])).json()["Images"][0]["ImageId"]
    run = (await world.api("ec2:RunInstances", ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")).json()
    machine = run["Instances"][0]["InstanceId"]
    for name, state in (("stop_instances", "stopped"), ("start_instances", "running")):
        await world.call(name, instance_ids=[machine])
        page = await world.page("describe_instances", filters=[{"name": "instance-state-name", "values": [state]}])
        assert [one["Instances"][0]["InstanceId"] for one in page.items] == [machine]
    assert (await world.call("reboot_instances", instance_ids=[machine])).status == 200
    missing = await world.call("stop_instances", instance_ids=["i-0123456789abcdef0"])
    assert (missing.status, missing.json()["Error"]["Code"]) == (400, "InvalidInstanceID.NotFound")


async def test_what_no_page_can_be_asked_for_in_ec2_is_cut_here(world):
    first = await world.page("describe_subnets", limit=2)
    second = await world.page("describe_subnets", limit=2, cursor=first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (2, 1, None)
    assert len({one["SubnetId"] for one in (*first.items, *second.items)}) == 3
    assert len((await world.page("describe_vpcs")).items) == 1
    assert len((await world.page("describe_security_groups")).items) == 1
    assert any(one["RegionName"] == "eu-central-1" for one in (await world.call("describe_regions")).json()["Regions"])


async def test_a_role_is_told_with_its_policy_as_json(world):
    await world.api("iam:CreateRole", RoleName="trusting", AssumeRolePolicyDocument=json.dumps(TRUST))
    assert (await world.call("get_role", role_name="trusting")).json()["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert "trusting" in [one["RoleName"] for one in (await world.page("list_roles")).items]
    assert [one["UserName"] for one in (await world.page("list_users")).items] == ["ada"]
    assert (await world.page("list_attached_role_policies", role_name="trusting")).items == []


@pytest.mark.parametrize(
    "name",
    [
        *("describe_log_groups", "describe_alarms", "list_metrics"),
        *("list_clusters_ecs", "list_clusters_eks", "describe_db_instances", "list_secrets"),
        *("list_repositories_ecr", "list_pipelines", "list_build_projects", "list_functions"),
    ],
)
async def test_a_list_of_what_there_is_none_of_is_empty(world, name):
    page = await world.page(name)
    assert (page.items, page.next_cursor) == ([], None)
