"""What hands out credentials is known by name: judged by all that botocore knows AWS to answer."""

import gzip
import re
from pathlib import Path

import botocore
import msgspec
import pytest
from botocore import xform_name

from connectors.aws_world import AWS, ENTRIES, built
from devmesh.access.scopes import TOOL, is_scope
from devmesh.connectors.aws.call import call
from devmesh.connectors.aws.handing_out import _HANDING_OUT

DATA = Path(botocore.__file__).parent / "data"
# Members of a reply that let their holder in, as AWS names them.
CREDENTIAL = re.compile(
    "(?i)(secretaccesskey|sessiontoken|authorizationtoken|refreshtoken|accesstoken|bearertoken|servicepassword|"
    "dbpassword|randompassword|secretstring|keymaterial|clientsecret|privatekey|privatekeyplaintext|tokenvalue|"
    "authtoken|apikey|authcode|participanttoken|plaintext|sharedsecret|presharedkey|basicauthcredentials|streamkey|"
    "appserverprivatekey|clientsecretvalue|secrettoauthenticateinitiator|customergatewayconfiguration)"
)
# Which are so even where AWS does not mark them as sensitive.
CERTAIN = re.compile(
    "(?i)(secretaccesskey|sessiontoken|authorizationtoken|refreshtoken|authtoken|participanttoken|dbpassword|authkey|"
    "activationcode|unlockcode|precopassword|appkey|.*streamingsessionurl)"
)
# They hold such a member, and yet hand nothing out: why.
NOT_HANDED_OUT = {
    "ec2": "the secret of a trust provider, which EC2 hides",
    "eks": "the code of a cluster elsewhere that is being registered: told to whoever registers it",
    "glue": "a data source's own setting, of jobs as they were defined",
    "kms:GenerateRandom": "random bytes, which open nothing",
    "payment-cryptography-data": "data, or a key that is wrapped",
    "secretsmanager:GetRandomPassword": "a made-up password, which opens nothing",
}


def outputs(operation, description):
    """Return the names of the members of the operation's reply."""
    names, seen = set(), set()
    todo = [description["operations"][operation].get("output", {}).get("shape")]
    while todo:
        name = todo.pop()
        if name is None or name in seen:
            continue
        seen.add(name)
        shape = description["shapes"][name]
        for member, reference in shape.get("members", {}).items():
            inner = description["shapes"][reference["shape"]]
            marked = any("sensitive" in one for one in (inner, reference, shape))
            told = CREDENTIAL.fullmatch(member) if marked else CERTAIN.fullmatch(member)
            if inner["type"] in ("string", "blob") and told:
                names.add(member)
            todo.append(reference["shape"])
        todo += [shape[inner]["shape"] for inner in ("member", "value") if inner in shape]
    return names


def test_whatever_botocore_knows_to_return_a_credential_is_known_to_hand_one_out():
    missing, excuses = [], set()
    for folder in sorted(DATA.iterdir()):
        versions = sorted(folder.glob("*/service-2.json.gz"))
        if not versions:
            continue
        description = msgspec.json.decode(gzip.decompress(versions[-1].read_bytes()))
        for operation in description["operations"]:
            name = f"{folder.name}:{operation}"
            if outputs(operation, description) and AWS.hands_out(call(name)) is None:
                excused = {folder.name, name} & NOT_HANDED_OUT.keys()
                excuses |= excused
                missing += [] if excused else [name]
    assert missing == []
    assert excuses == NOT_HANDED_OUT.keys()


def test_every_operation_said_to_hand_out_a_credential_is_one():
    for service, operations in _HANDING_OUT.items():
        newest = max((DATA / service).glob("*/service-2.json.gz"))
        described = msgspec.json.decode(gzip.decompress(newest.read_bytes()))["operations"]
        assert operations <= set(described), service


def test_such_an_operation_is_named_as_botocore_names_it_in_a_form_that_a_scope_takes():
    names = set()
    for service, operations in _HANDING_OUT.items():
        for operation in operations:
            name = AWS.hands_out(call(f"{service}:{operation}"))
            assert name.startswith(f"{service}.")
            assert f"{service}.{xform_name(operation)}".replace("_", "").startswith(name.replace("_", ""))
            assert is_scope(f"{TOOL}aws.{name}"), name
            names.add(name)
    assert len(names) == sum(map(len, _HANDING_OUT.values()))


@pytest.mark.parametrize(
    ("name", "handed_out"),
    [
        ("sts:AssumeRole", "sts.assume_role"),
        ("sts:AssumeRoleWithSAML", "sts.assume_role_with_saml"),
        ("sts:GetSessionToken", "sts.get_session_token"),
        ("sts:SomethingOfTomorrow", "sts.something_of_tomorrow"),
        ("sts:GetCallerIdentity", None),
        ("sts:DecodeAuthorizationMessage", None),
        ("ecr:GetAuthorizationToken", "ecr.get_authorization_token"),
        ("iam:CreateAccessKey", "iam.create_access_key"),
        ("iam:CreateVirtualMFADevice", "iam.create_virtual_mfa_device"),
        ("iam:ListAccessKeys", None),
        ("secretsmanager:GetSecretValue", "secretsmanager.get_secret_value"),
        ("secretsmanager:ListSecrets", None),
        ("ssm:GetParameter", None),
        ("ssm:CreateActivation", "ssm.create_activation"),
        ("snowball:GetJobUnlockCode", "snowball.get_job_unlock_code"),
        ("ec2:DescribeVpnConnections", "ec2.describe_vpn_connections"),
        ("kms:DeriveSharedSecret", "kms.derive_shared_secret"),
        ("glue:GetConnections", "glue.get_connections"),
        ("cognito-idp:InitiateAuth", "cognito-idp.initiate_auth"),
    ],
)
def test_an_operation_that_hands_out_a_credential_is_named(name, handed_out):
    assert AWS.hands_out(call(name)) == handed_out


def parameter(operation, **parameters):
    return built("call_api", service="ssm", operation=operation, parameters=parameters)


@pytest.mark.parametrize("operation", ["GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory"])
def test_a_parameter_in_clear_is_handed_out_and_one_as_stored_is_not(operation):
    assert AWS.hands_out(parameter(operation, WithDecryption=True)).startswith("ssm.get_parameter")
    assert AWS.hands_out(parameter(operation, WithDecryption=False)) is None
    assert AWS.hands_out(parameter(operation)) is None


def test_a_connection_of_glues_is_handed_out_unless_its_password_is_left_out():
    for operation in ("GetConnection", "GetConnections"):
        asked = [call(f"glue:{operation}", HidePassword=hide) for hide in (None, False, "true", True)]
        assert [AWS.hands_out(one) is None for one in asked] == [False, False, False, True]


def test_a_tool_hands_out_what_call_api_would():
    tool = AWS.tools["get_parameter"]
    assert tool.handed_out(built("get_parameter", name="/a", with_decryption=True)) == "aws.ssm.get_parameter"
    assert tool.handed_out(built("get_parameter", name="/a")) is None
    assert tool.read_only
    others = [built(name, **one) for name, _, one in ENTRIES if name != "get_parameter"]
    assert [one.name for one in others if AWS.hands_out(one)] == []
