"""botocore is loaded at the first call, beside the event loop; it reads and sends nothing of its own accord."""

import json
import os
import subprocess
import sys
import textwrap

from connectors.aws_world import FIELDS
from connectors.catalogue import HERE

BEFORE = "import asyncio, json, sys, time\nfrom devmesh.connectors import CONNECTORS\nAWS = CONNECTORS['aws']\n"


def run(script, **environment):
    """Return what a fresh interpreter prints for the script."""
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + textwrap.dedent(script)],
        env={**os.environ, "FIELDS": json.dumps(FIELDS), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_listing_the_tools_does_not_import_botocore():
    script = """
    tools = [tool.arguments.schema for tool in AWS.tools.values()]
    built = AWS.tools["list_buckets"].request(AWS.tools["list_buckets"].arguments.check({}))
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("botocore", "urllib3", "dateutil")]
    print(json.dumps([len(tools), loaded]))
    """
    assert run(script) == [58, []]


def test_without_botocore_the_tools_are_there_and_a_call_says_what_to_install():
    script = """
    class Nothing:
        def find_spec(self, name, *_):
            if name.partition(".")[0] == "botocore":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    sys.meta_path.insert(0, Nothing())
    from devmesh.errors import MeshError
    said = []
    for attempt in range(2):
        try:
            asyncio.run(AWS.prepared(AWS.probe, {}, None))
        except MeshError as error:
            said.append([error.status, f"{error.detail} {error.hint}"])
    print(json.dumps([len(AWS.tools), said]))
    """
    tools, said = run(script)
    assert tools == 58
    assert [status for status, _ in said] == [503, 503]
    assert all("devmesh[aws]" in words and "pip install" in words for _, words in said)


def test_an_error_of_our_own_is_not_taken_for_a_missing_botocore():
    script = """
    class Broken:
        def find_spec(self, name, *_):
            if name == "devmesh.connectors.aws.sdk.signing":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    sys.meta_path.insert(0, Broken())
    try:
        AWS.complete(AWS.probe, {})
    except Exception as error:
        print(json.dumps(type(error).__name__))
    """
    assert run(script) == "ModuleNotFoundError"


def test_the_event_loop_goes_on_while_botocore_and_the_largest_model_are_loaded():
    script = """
    from devmesh.connectors.aws.call import call

    async def main():
        beats = 0
        async def beat():
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.005)
        task = asyncio.create_task(beat())
        await AWS.ready(call("ec2:DescribeInstances"))
        during, beats = beats, 0
        await AWS.ready(call("ec2:DescribeVpcs"))
        task.cancel()
        return [during, beats, "botocore" in sys.modules]
    print(json.dumps(asyncio.run(main())))
    """
    during, afterwards, loaded = run(script)
    assert loaded
    assert during >= 5
    assert afterwards == 0


def test_calls_at_once_load_a_service_once():
    script = """
    from devmesh.connectors.aws.call import call

    async def main():
        await AWS.ready(AWS.probe)
        from devmesh.connectors.aws.sdk import services
        made, plain = [], services.Service.__init__
        def counted(self, name):
            made.append(name)
            time.sleep(0.2)
            plain(self, name)
        services.Service.__init__ = counted
        await asyncio.gather(*(AWS.ready(call("sqs:ListQueues")) for _ in range(20)))
        return made
    print(json.dumps(asyncio.run(main())))
    """
    assert run(script) == ["sqs"]


def test_no_more_services_are_kept_than_is_said():
    script = """
    from devmesh.connectors.aws.sdk import services
    services._KEPT = 3
    for name in ("sts", "sqs", "sns", "ecr", "ecs"):
        services.service(name)
    kept = list(services._services)
    again = services.service("sts").name
    print(json.dumps([kept, again, len(services._services)]))
    """
    assert run(script) == [["sns", "ecr", "ecs"], "sts", 3]


HOSTILE_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00000",
    "AWS_SECRET_ACCESS_KEY": "of-the-environment",
    "AWS_SESSION_TOKEN": "of-the-environment",
    "AWS_REGION": "us-west-2",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_ENDPOINT_URL": "http://evil.example",
    "AWS_ENDPOINT_URL_STS": "http://evil.example",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_PROFILE": "evil",
    "HTTPS_PROXY": "http://evil.example",
}
WATCHED = """
    import os
    from pathlib import Path
    seen = []
    def watch(event, arguments):
        # Importing urllib3 binds a socket of its own, to see whether there is IPv6.
        if event.startswith("socket.") and event not in ("socket.__new__", "socket.bind"):
            seen.append([event, str(arguments[1:])])
        if event == "open" and isinstance(arguments[0], str):
            if not arguments[0].startswith((sys.prefix, sys.base_prefix)):
                seen.append([event, arguments[0]])
        if event in ("subprocess.Popen", "os.system", "os.exec"):
            seen.append([event, ""])
    sys.addaudithook(watch)
    recorded = json.loads(Path(os.environ["RECORDED"]).read_text())
    fields = json.loads(os.environ["FIELDS"])
    seen.clear()
    hosts = set()
    for name, entries in recorded.items():
        for entry in entries:
            tool = AWS.tools[name]
            _, root, signed = AWS.outgoing(tool.request(tool.arguments.check(entry["arguments"])), fields, None)
            hosts.add(root)
            assert "x-amz-security-token" not in signed
            assert f"Credential={fields['access_key']}/" in signed["authorization"], signed
    source = str(Path(sys.modules["devmesh"].__file__).parent)
    print(json.dumps([[one for one in seen if not one[1].startswith(source)], sorted(hosts)]))
"""


def test_neither_the_environment_nor_a_file_nor_the_network_is_asked(tmp_path):
    home = tmp_path / "home"
    (home / ".aws" / "models" / "sts" / "9999-01-01").mkdir(parents=True)
    (home / ".aws" / "models" / "sts" / "9999-01-01" / "service-2.json").write_text("{")
    config = home / ".aws" / "config"
    config.write_text("[profile evil]\nregion = us-west-2\nendpoint_url = http://evil.example\n")
    environment = {**HOSTILE_ENVIRONMENT, "HOME": str(home), "AWS_CONFIG_FILE": str(config)}
    seen, hosts = run(WATCHED, RECORDED=str(HERE / "recorded" / "aws.json"), **environment)
    assert seen == []
    assert len(hosts) > 15
    assert [
        host for host in hosts if not host.endswith((".eu-central-1.amazonaws.com", "ce.us-east-1.amazonaws.com"))
    ] == ["https://iam.amazonaws.com"]
