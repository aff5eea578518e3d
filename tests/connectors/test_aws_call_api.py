"""The rest of AWS: who reads only reads, and nothing that a caller may say leads elsewhere."""

import json
import re

import pytest

from connectors.aws_world import AWS, ENTRIES, FIELDS, built
from devmesh.connectors.aws.anything import READS
from devmesh.connectors.aws.call import Call, call
from devmesh.errors import Invalid

CALL_API = AWS.tools["call_api"]


def asked(service, operation, **parameters):
    return built("call_api", service=service, operation=operation, parameters=parameters)


def complete(request, **fields):
    return AWS.complete(request, {**FIELDS, **fields})


def test_readers_may_call_what_the_read_only_tools_call_and_nothing_else():
    reading = {built(name, **arguments).name for name, _, arguments in ENTRIES if AWS.tools[name].read_only}
    assert reading == READS
    for name in READS:
        assert CALL_API.reads(call(name))


def test_readers_may_call_nothing_that_a_writing_tool_calls():
    writing = [built(name, **arguments) for name, _, arguments in ENTRIES if not AWS.tools[name].read_only]
    assert len(writing) > 10
    assert [one.name for one in writing if CALL_API.reads(one)] == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("ec2", "TerminateInstances"),
        ("s3", "PutObject"),
        ("s3", "listObjectsV2"),
        ("S3", "GetObject"),
        ("s3control", "GetObject"),
        ("ec2", "DescribeInstances "),
        ("sqs", "ReceiveMessage"),
        ("secretsmanager", "GetSecretValue"),
    ],
)
def test_what_no_read_only_tool_calls_is_a_write(service, operation):
    assert not CALL_API.reads(call(f"{service}:{operation}"))


@pytest.mark.parametrize(
    "value", ["", "../ec2", "ec2/..", ".", "..", "EC2", "ec2\x00", "partitions.json", "e c", "%65c2", "no-such-service"]
)
def test_a_service_that_there_is_not_is_refused(value):
    with pytest.raises(Invalid) as refusal:
        complete(call(f"{value}:DescribeInstances"))
    assert refusal.value.faults[0].field == "service"


@pytest.mark.parametrize("value", ["describeInstances", "NoSuchOperation", "__class__", "DescribeInstances "])
def test_an_operation_that_there_is_not_is_refused(value):
    with pytest.raises(Invalid) as refusal:
        complete(call(f"ec2:{value}"))
    assert refusal.value.faults[0].field == "operation"


@pytest.mark.parametrize("name", ["s3:SelectObjectContent", "logs:StartLiveTail", "lambda:InvokeWithResponseStream"])
def test_a_stream_of_events_is_refused(name):
    with pytest.raises(Invalid) as refusal:
        complete(call(name))
    assert "stream" in str(refusal.value)


@pytest.mark.parametrize(
    "region",
    ["", "eu central", "eu-central-1.evil.example", "x/y", "x@evil", "x#", "EU-CENTRAL-1", "-x", "1", "x" * 64],
)
def test_a_region_that_is_no_label_of_a_host_is_refused(region):
    with pytest.raises(Invalid) as refusal:
        complete(AWS.probe, region=region)
    assert refusal.value.faults[0].field == "region"
    if region:  # without one, the credential's is taken
        with pytest.raises(Invalid):
            complete(Call(service="sts", operation="GetCallerIdentity", region=region))


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("eu-wset-1", "is it eu-west-1?"),
        ("us-east-11", "is it us-east-1?"),
        ("eu-west1", "is it eu-west-1?"),
        ("frankfurt", "describe_regions lists them"),
    ],
)
def test_a_region_that_there_is_not_is_told_with_the_nearest_that_there_is(region, near):
    with pytest.raises(Invalid) as refusal:
        complete(Call(service="sts", operation="GetCallerIdentity", region=region))
    [fault] = refusal.value.faults
    assert fault.field == "region"
    assert fault.message.startswith("is none of AWS's regions")
    assert near in fault.message
    with pytest.raises(Invalid, match="of the credential is none of AWS's regions"):
        complete(AWS.probe, region=region)


def test_a_server_of_ones_own_calls_its_region_as_it_likes():
    assert complete(AWS.probe, region="garage", base_url="https://s3.example").signing.region == "garage"


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "cn-northwest-1", "eusc-de-east-1", "aws-global"])
def test_the_regions_of_every_partition_are_known(region):
    assert complete(AWS.probe, region=region).signing is not None


@pytest.mark.parametrize(
    ("service", "operation", "region", "origin", "signed"),
    [
        ("sts", "GetCallerIdentity", "eu-central-1", "https://sts.eu-central-1.amazonaws.com", "eu-central-1"),
        ("sts", "GetCallerIdentity", "us-east-1", "https://sts.us-east-1.amazonaws.com", "us-east-1"),
        ("sts", "GetCallerIdentity", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sts", "GetCallerIdentity", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("iam", "ListUsers", "eu-central-1", "https://iam.amazonaws.com", "us-east-1"),
        ("iam", "ListUsers", "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("s3", "ListBuckets", "us-east-1", "https://s3.us-east-1.amazonaws.com", "us-east-1"),
        ("cloudwatch", "ListMetrics", "eu-west-1", "https://monitoring.eu-west-1.amazonaws.com", "eu-west-1"),
        ("ce", "GetCostCategories", "eu-west-1", "https://ce.us-east-1.amazonaws.com", "us-east-1"),
        ("route53", "ListHostedZones", "eu-west-1", "https://route53.amazonaws.com", "us-east-1"),
    ],
)
def test_a_service_is_where_awss_rules_say(service, operation, region, origin, signed):
    parameters = {"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}} if service == "ce" else {}
    made = complete(asked(service, operation, **parameters), region=region)
    assert (made.origin, made.signing.region) == (origin, signed)
    elsewhere = built("call_api", service=service, operation=operation, parameters=parameters, region=region)
    assert complete(elsewhere, region="ap-south-1").origin == origin


def test_the_account_is_put_before_the_host_once():
    made = complete(asked("s3control", "ListJobs", AccountId="123456789012"))
    assert made.origin == "https://123456789012.s3-control.eu-central-1.amazonaws.com"
    assert made.signing.name == "s3"
    with pytest.raises(Invalid):  # the rules want a host for each account there, too
        complete(asked("s3control", "ListJobs", AccountId="123456789012"), base_url="https://aws.example/x/")


def test_a_prefix_of_the_host_is_of_awss_hosts_alone():
    made = asked("servicediscovery", "DiscoverInstances", NamespaceName="a", ServiceName="b")
    assert complete(made).origin == "https://data-servicediscovery.eu-central-1.amazonaws.com"
    assert complete(made, base_url="https://aws.example").path == "/"


HOSTILE_BUCKETS = (
    *("evil.example/", "evil.example#", "x@evil.example", "x?y", "..", ".", "../..", "a/../b", "a b", "%2e%2e", "ä"),
    *("arn:aws:s3:evil.example/:123456789012:accesspoint/x", "arn:aws:s3:::x", "arn:evil:s3:us-east-1:1:accesspoint/x"),
    *(
        "arn:aws:s3:us-east-1:123456789012:accesspoint/x",
        "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/x",
    ),
    *("arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", "my-bucket--use1-az4--x-s3", "x\r\nHost: evil", "-x"),
)


@pytest.mark.parametrize("bucket", HOSTILE_BUCKETS)
def test_no_bucket_leads_to_a_host_that_is_not_awss(bucket):
    try:
        request, root, _ = AWS.outgoing(asked("s3", "GetObject", Bucket=bucket, Key="k"), FIELDS, None)
    except Invalid:
        return
    assert re.fullmatch(r"https://[a-z0-9.-]+\.amazonaws\.com", root)
    assert request.path.rpartition("/")[2] == "k"


@pytest.mark.parametrize(
    "key", ["../other/secret", "a/../../b", ".", "..", "a/./b", "%2e%2e/x", "a\r\nHost: x", "a\x00"]
)
def test_a_key_stays_in_its_bucket_whole(key):
    try:
        _, root, _ = AWS.outgoing(asked("s3", "GetObject", Bucket="my.dotted.bucket", Key=key), FIELDS, None)
        request = complete(asked("s3", "GetObject", Bucket="my.dotted.bucket", Key=key))
    except Invalid:
        return
    assert root == "https://s3.eu-central-1.amazonaws.com"
    assert request.path.startswith("/my.dotted.bucket/")
    assert not re.search(r"[\r\n\x00]|/\.\.?(/|$)", request.path)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("ec2:StopInstances", {}, "InstanceIds"),
        ("ec2:StopInstances", {"InstanceIds": "i-1"}, "InstanceIds"),
        ("ec2:StopInstances", {"InstanceIds": ["i-1"], "Sudo": True}, "Sudo"),
        ("sts:GetCallerIdentity", {"Unasked": 1}, "Unasked"),
        ("logs:GetLogEvents", {"logStreamName": "s", "limit": 0}, "limit"),
        ("cloudtrail:LookupEvents", {"StartTime": "yesterday"}, "StartTime"),
        ("s3:PutObject", {"Bucket": "b-b", "Key": "k", "Metadata": {"a": "ü"}}, "ASCII"),
        ("s3:PutObject", {"Bucket": "b-b", "Key": "k", "ContentType": "a\r\nx: y"}, "ASCII"),
        ("s3:PutObject", {"Bucket": "b-b", "Key": "k", "Body": {"base64": "é"}}, "base64"),
        ("s3:PutObject", {"Bucket": "b-b", "Key": "k", "ChecksumAlgorithm": "XXHASH64"}, "XXHASH64"),
        ("sns:Publish", {"Message": "\ud800"}, "surrogates"),
    ],
)
def test_parameters_that_do_not_fit_are_named_before_anything_is_sent(name, parameters, said):
    service, operation = name.split(":")
    with pytest.raises(Invalid) as refusal:
        AWS.outgoing(asked(service, operation, **parameters), FIELDS, None)
    assert said in str(refusal.value)


def test_parameters_nested_without_end_are_refused():
    value = {"S": "x"}
    for _ in range(5000):
        value = {"M": {"a": value}}
    with pytest.raises(Invalid):
        complete(asked("dynamodb", "PutItem", TableName="t", Item={"a": value}))


def test_an_idempotency_token_is_made_where_the_service_wants_one():
    bodies = [json.loads(complete(built("start_pipeline_execution", name="web")).content) for _ in range(2)]
    assert bodies[0]["clientRequestToken"] != bodies[1]["clientRequestToken"]
    assert re.fullmatch("[0-9a-f-]{36}", bodies[0]["clientRequestToken"])
    given = complete(built("start_pipeline_execution", name="web", client_request_token="mine"))
    assert json.loads(given.content)["clientRequestToken"] == "mine"
