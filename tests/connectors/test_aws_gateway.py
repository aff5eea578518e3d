"""A tool of AWS through the whole gateway: stored, signed, sent to the base URL, translated, masked."""

import re

import pytest

from connectors.aws_world import FIELDS, Recorder

SECRET = FIELDS["secret_key"]


def answer(body, status="200 OK"):
    text = body.encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text


def topics(name):
    return f"""<ListTopicsResponse><ListTopicsResult><Topics><member><TopicArn>{name}</TopicArn></member></Topics>
      </ListTopicsResult></ListTopicsResponse>"""


async def connect(organization, recorder, **more):
    body = {
        "service_type": "aws",
        "credentials": {**FIELDS, **more},
        "metadata": {"base_url": f"http://127.0.0.1:{recorder.port}"},
    }
    status, stored = await organization.ask("POST", "/api/v1/credentials", body)
    assert status == 201, stored
    assert SECRET not in str(stored)


async def test_a_call_goes_signed_to_the_base_url_and_comes_back_as_json(organization):
    async with Recorder(answer(topics("arn:aws:sns:eu-central-1:123456789012:alerts"))) as recorder:
        await connect(organization, recorder)
        result = await organization.call("aws.list_topics")
    assert result["structuredContent"]["items"] == [{"TopicArn": "arn:aws:sns:eu-central-1:123456789012:alerts"}]
    [(head, body)] = recorder.requests
    assert body == b"Action=ListTopics&Version=2010-03-31"
    assert re.search(
        "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]{8}/eu-central-1/sns/aws4_request", head
    )
    assert SECRET not in head


async def test_a_secret_that_comes_back_in_another_spelling_is_masked(organization):
    spelled = "".join(f"&#{ord(character)};" for character in SECRET)
    async with Recorder(answer(topics(f"echo:{spelled}"))) as recorder:
        await connect(organization, recorder)
        result = await organization.call("aws.list_topics")
    assert result["structuredContent"]["items"] == [{"TopicArn": "echo:[secret removed]"}]


async def test_a_refusal_is_told_in_words(organization):
    refusal = (
        "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not yours</Message></Error></ErrorResponse>"
    )
    async with Recorder(answer(refusal, "403 Forbidden")) as recorder:
        await connect(organization, recorder)
        result = await organization.call("aws.list_topics")
    assert result["isError"]
    assert result["content"][0]["text"].startswith("AWS answered 403 AuthorizationError: not yours\nThe key is good")


async def test_a_wrong_region_is_refused_before_anything_is_sent(organization):
    async with Recorder() as recorder:
        await connect(organization, recorder)
        arguments = {"service": "sns", "operation": "ListTopics"}
        for region in ("eu-central-1.evil.example", "1"):
            result = await organization.call("aws.call_api", {**arguments, "region": region})
            assert result["isError"]
            assert "region" in str(result)
    assert recorder.requests == []


@pytest.mark.parametrize(
    ("region", "said"), [("eu-wset-1", "is it eu-west-1?"), ("wJalrXUtnFEMI/K7MDENG", "must be a region's code")]
)
async def test_a_key_of_a_region_that_there_is_not_is_not_stored(organization, region, said):
    credentials = {"access_key": "AKIDEXAMPLE", "secret_key": SECRET, "region": region}
    status, problem = await organization.ask(
        "POST", "/api/v1/credentials", {"service_type": "aws", "credentials": credentials}
    )
    assert status == 422
    assert [(one["field"], said in one["message"]) for one in problem["errors"]] == [("credentials.region", True)]
    assert region not in str(problem)


async def test_a_key_that_is_passed_for_such_a_region_is_not_sent_anywhere(organization):
    headers = {"X-Service-Aws-Access-Key": "AKIDEXAMPLE", "X-Service-Aws-Secret-Key": SECRET}
    result = await organization.call("aws.list_topics", headers={**headers, "X-Service-Aws-Region": "eu-wset-1"})
    assert result["isError"]
    assert "is it eu-west-1?" in str(result)


async def test_a_stored_key_is_validated_with_its_identity(organization):
    body = """<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn>
      </GetCallerIdentityResult></GetCallerIdentityResponse>"""
    async with Recorder(answer(body)) as recorder:
        await connect(organization, recorder)
        status, verdict = await organization.ask("POST", "/api/v1/credentials/aws/validate")
    assert status == 200
    assert "arn:aws:iam::123456789012:user/ada" in str(verdict)


async def test_a_field_left_out_or_unknown_is_named(organization):
    credentials = {"access_key": "AKIDEXAMPLE", "secret": SECRET}
    status, problem = await organization.ask(
        "POST", "/api/v1/credentials", {"service_type": "aws", "credentials": credentials}
    )
    assert status == 422
    assert all(name in str(problem) for name in ("credentials.secret", "credentials.secret_key", "credentials.region"))


async def key_with(organization, *scopes):
    body = {"name": "one", "key_type": "user", "scopes": list(scopes)}
    status, made = await organization.ask("POST", "/api/v1/api-keys", body)
    assert status == 201, made
    return made["api_key"]


CLEAR = ("aws.get_parameter", {"name": "/a", "with_decryption": True}, "aws.ssm.get_parameter")
ROLE = ("aws.call_api", {"service": "sts", "operation": "AssumeRole", "parameters": {}}, "aws.sts.assume_role")


@pytest.mark.parametrize(("name", "arguments", "operation"), [CLEAR, ROLE])
async def test_what_hands_out_a_credential_needs_a_scope_with_its_name(organization, name, arguments, operation):
    async with Recorder() as recorder:
        await connect(organization, recorder)
        for key in (None, await key_with(organization, "tools:execute:aws.*")):
            result = await organization.call(name, arguments, key=key)
            assert result["_meta"]["code"] == "credential_handed_out"
            assert result["_meta"]["required_scopes"] == [f"tools:execute:{operation}"]
        assert recorder.requests == []


async def test_a_scope_with_its_name_opens_a_parameter_in_clear(organization):
    async with Recorder(answer('{"Parameter": {"Name": "/a", "Value": "in clear"}}')) as recorder:
        await connect(organization, recorder)
        key = await key_with(organization, "tools:execute:aws.*", "tools:execute:aws.ssm.get_parameter")
        result = await organization.call("aws.get_parameter", CLEAR[1], key=key)
    assert result["structuredContent"]["Parameter"]["Value"] == "in clear"


async def test_a_reader_reads_by_call_api_what_a_reading_tool_reads_and_no_more(organization):
    described = {"service": "ec2", "operation": "DescribeVpcs"}
    async with Recorder(answer("<DescribeVpcsResponse/>")) as recorder:
        await connect(organization, recorder)
        key = await key_with(organization, "read")
        assert "structuredContent" in await organization.call("aws.call_api", described, key=key)
        for operation in ("DescribeImages", "TerminateInstances"):
            result = await organization.call("aws.call_api", {"service": "ec2", "operation": operation}, key=key)
            assert result["_meta"]["code"] == "insufficient_scope"
    assert len(recorder.requests) == 1
