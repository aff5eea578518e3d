"""AWS's replies become JSON, whatever their protocol; refusals become words; verdicts say only what AWS says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.aws_world import AWS, ENTRIES, FIELDS, built, identity, sts_error, translated
from devmesh.connectors.aws.call import call

EC2_ERROR = b"""<Response><Errors><Error><Code>NoSuchEntity</Code><Message>no such thing</Message></Error></Errors>
  <RequestID>1</RequestID></Response>"""


def error(asked, body, status, **headers):
    reply = translated(asked, body, status, **headers)
    assert (reply.status, reply.is_json) == (status, True)
    return reply.json()["Error"]


def test_a_query_services_list_is_json_without_what_is_of_the_transport():
    body = b"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>web</StackName>
      <CreationTime>2026-11-01T00:00:00.5Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>
      <DisableRollback>false</DisableRollback></member></Stacks><NextToken>n</NextToken></DescribeStacksResult>
      <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>"""
    stack = {"StackName": "web", "CreationTime": "2026-11-01T00:00:00.500000Z", "StackStatus": "CREATE_COMPLETE"}
    assert translated(built("describe_stacks"), body).json() == {
        "Stacks": [{**stack, "DisableRollback": False}],
        "NextToken": "n",
    }


def test_an_ec2_list_is_json():
    body = b"""<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><vpcSet>
      <item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item></vpcSet></DescribeVpcsResponse>"""
    assert translated(built("describe_vpcs"), body).json() == {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]}


def test_a_json_services_times_are_told_as_such():
    body = b'{"SecretList": [{"Name": "a", "LastChangedDate": 1793491200.5}]}'
    [secret] = translated(built("list_secrets"), body).json()["SecretList"]
    assert secret == {"Name": "a", "LastChangedDate": "2026-11-01T00:00:00.500000Z"}


def test_an_object_is_told_with_its_headers_and_its_text():
    reply = translated(
        built("get_object", bucket="my-bucket", key="k"),
        "“ü”".encode(),
        content_type="text/plain",
        etag='"1"',
        x_amz_meta_by="ada",
        last_modified="Sun, 01 Nov 2026 00:00:00 GMT",
    )
    told = reply.json()
    assert (told["Body"], told["ContentType"], told["Metadata"]) == ("“ü”", "text/plain", {"by": "ada"})
    assert told["LastModified"] == "2026-11-01T00:00:00Z"


def test_bytes_that_are_no_text_are_base64():
    told = translated(
        built("get_object", bucket="my-bucket", key="k"), b"\xff\x00\x01", content_type="image/png"
    ).json()
    assert told["Body"] == {"base64": "/wAB"}


def test_what_a_function_returns_is_its_payload():
    told = translated(
        built("invoke_function", function_name="f"), b'{"ok": 1}', x_amz_function_error="Unhandled"
    ).json()
    assert told == {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": '{"ok": 1}'}


@pytest.mark.parametrize(
    ("asked", "body", "status", "headers"),
    [
        (built("list_users"), sts_error("NoSuchEntity", "no such thing"), 404, {}),
        (
            built("describe_vpcs"),
            EC2_ERROR,
            400,
            {},
        ),
        (built("list_tables"), b'{"__type": "com.amazon#NoSuchEntity", "message": "no such thing"}', 400, {}),
        (
            built("list_functions"),
            b'{"Type": "User", "Message": "no such thing"}',
            404,
            {"x_amzn_errortype": "NoSuchEntity:http://internal.amazon.com/"},
        ),
        (
            built("list_objects", bucket="my-bucket"),
            b"<Error><Code>NoSuchEntity</Code><Message>no such thing</Message><HostId>x</HostId></Error>",
            404,
            {},
        ),
    ],
    ids=["query", "ec2", "json", "rest-json", "rest-xml"],
)
def test_an_error_of_every_protocol_is_a_code_and_a_message(asked, body, status, headers):
    assert error(asked, body, status, **headers) == {"Code": "NoSuchEntity", "Message": "no such thing"}


def test_what_s3_finds_after_it_answered_is_an_error():
    asked = call("s3:CopyObject", Bucket="my-bucket", Key="k", CopySource="my-bucket/a")
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Wait.</Message></Error>'
    reply = translated(asked, body)
    assert AWS.failed(reply)
    assert AWS.explain(reply).retry_after > 0


def test_an_object_that_begins_like_an_error_of_s3_is_an_object():
    body = b"<Error><Code>NoSuchKey</Code></Error>"
    reply = translated(built("get_object", bucket="my-bucket", key="k"), body)
    assert (reply.status, reply.json()["Body"]) == (200, body.decode())


def test_a_bucket_of_another_region_names_it():
    body = b"<Error><Code>PermanentRedirect</Code><Message>Use the endpoint.</Message><Endpoint>b.s3</Endpoint></Error>"
    asked = built("list_objects", bucket="my-bucket")
    reply = translated(asked, body, 301, x_amz_bucket_region="eu-west-1")
    assert "eu-west-1" in AWS.explain(reply).next_step
    assert not AWS.complete(asked, FIELDS).follows


def test_a_key_that_xml_cannot_hold_is_told_all_the_same():
    body = b"""<ListBucketResult><EncodingType>url</EncodingType><Prefix>a+b%2F</Prefix><KeyCount>1</KeyCount>
      <Contents><Key>a+b%2F%01%C3%BC</Key><ETag>"%"</ETag></Contents>
      <CommonPrefixes><Prefix>a+b%2Fc%2F</Prefix></CommonPrefixes></ListBucketResult>"""
    asked = built("list_objects", bucket="my-bucket")
    assert asked.parameters["EncodingType"] == "url"
    assert translated(asked, body).json() == {
        "Prefix": "a b/",
        "KeyCount": 1,
        "Contents": [{"Key": "a b/\x01ü", "ETag": '"%"'}],
        "CommonPrefixes": [{"Prefix": "a b/c/"}],
    }


def test_the_policy_of_a_role_is_json():
    encoded = "%7B%22Version%22%3A%20%222012-10-17%22%7D"
    body = f"""<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName>
      <AssumeRolePolicyDocument>{encoded}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"""
    told = translated(built("get_role", role_name="r"), body.encode()).json()
    assert told["Role"]["AssumeRolePolicyDocument"] == {"Version": "2012-10-17"}


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><p>not AWS</p>",
        b"<a>" * 5000,
        b"{",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe\x00",
        b'{"Error": 7, "message": {"a": []}, "__type": []}',
        b"<DescribeVpcsResponse><vpcSet><item>x</item><y/></vpcSet></DescribeVpcsResponse>",
        b"<Error><Code/><Message/></Error>",
    ],
)
def test_a_body_that_is_not_awss_is_survived(status, body):
    for name, _, arguments in ENTRIES:
        reply = translated(built(name, **arguments), body, status)
        AWS.tools[name].page(reply, built(name, **arguments))
        assert reply.status in (status, 500)
        AWS.judge(reply)
        AWS.explain(reply)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ENTRIES),
    st.sampled_from([200, 206, 301, 400, 403, 500, 503]),
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_reply_whatsoever_raises(entry, status, body):
    name, _, arguments = entry
    AWS.explain(translated(built(name, **arguments), body, status))


def test_a_document_that_declares_entities_is_not_read():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + identity("arn:aws:iam::1:user/&b;")
    assert translated(AWS.probe, bomb).body == bomb
    assert AWS.judge(translated(AWS.probe, bomb)).status == "unknown"
