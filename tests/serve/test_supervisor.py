from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path

from ports import free_port


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def test_it_serves_as_the_app_role_and_ends_in_order(service):
    service.start()
    assert service.get("/who") == "devmesh_app"
    code, log = service.stop()
    assert code == 0, log
    assert (service.data_dir / "closed").exists()
    assert service.processes() == []
    assert "ERROR" not in log


def test_a_killed_worker_is_started_again(service):
    service.start()
    first = int(service.get())
    kill(first)
    # The parent holds the port: the request waits for the next worker, it is not refused.
    assert int(service.get()) != first
    assert service.get("/who") == "devmesh_app"
    assert "killed by signal 9" in service.stop()[1]


def test_a_killed_database_is_started_again(service):
    service.start()
    first = service.database_process()
    kill(first)
    service.until(lambda: service.get("/who") == "devmesh_app")
    assert service.database_process() != first
    code, log = service.stop()
    assert code == 0
    assert "PostgreSQL ended" in log


def test_a_killed_parent_leaves_nothing_and_the_next_start_works_at_once(service):
    service.port = free_port()  # nobody else is given it in between
    service.start("--workers", "2")
    assert len(service.processes()) >= 3
    service.process.kill()
    service.process.wait()
    service.until(lambda: not service.processes())
    service.process.communicate()
    service.start()
    assert service.get("/who") == "devmesh_app"


def test_the_start_after_a_kill_waits_for_no_one(service):
    service.port = free_port()
    service.start()
    service.process.kill()
    killed = service.process
    service.start()
    killed.communicate()
    assert service.get("/who") == "devmesh_app"


def test_a_stop_answers_what_is_under_way_and_takes_nothing_more(service):
    service.start()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(service.get("/slow")))
    asking.start()
    service.until((service.data_dir / "slow.begun").exists)
    service.process.send_signal(signal.SIGTERM)
    service.until(lambda: refused(service))
    assert answers == []
    (service.data_dir / "slow.go-on").touch()
    asking.join()
    code, log = service.end()
    assert (code, len(answers)) == (0, 1), log
    assert answers[0].isdecimal()


def test_a_stop_is_told_at_once_with_how_long_it_may_take(service):
    service.start()
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        service.until((service.data_dir / "endless.begun").exists)
        service.process.send_signal(signal.SIGINT)
        told = next((line for line in service.process.stderr if "stopping" in line), "")
        assert "requests under way have 20 s to end, a second Ctrl-C ends them" in told
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGINT)
        assert service.end()[0] == 0


def refused(service) -> bool:
    try:
        service.get()
    except ConnectionRefusedError:
        return True
    return False


def test_a_second_signal_does_not_wait_for_the_last_request(service):
    service.start()
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        service.until((service.data_dir / "endless.begun").exists)
        service.process.send_signal(signal.SIGINT)
        service.until(lambda: refused(service))
        service.process.send_signal(signal.SIGINT)
        code, log = service.end()
    assert code == 0
    assert "was killed" in log


def test_two_workers_share_the_port(service):
    service.start("--workers", "2")
    service.until(lambda: len({service.get() for _ in range(20)}) == 2)
    assert service.stop()[0] == 0


def test_a_second_server_on_the_same_data_directory_is_refused(service):
    service.start()
    other = type(service)(service.data_dir)
    other.spawn()
    code, log = other.end()
    assert code == 1
    assert f"in use by the running server with process id {service.process.pid}" in log
    assert service.get("/who") == "devmesh_app"


def test_a_port_in_use_is_told_before_anything_is_begun(service):
    service.start()
    other = type(service)(Path(tempfile.mkdtemp(prefix="devmesh-")))
    other.port = service.port
    other.spawn()
    code, log = other.end()
    assert code == 1
    assert f"Developer Mesh answers on port {service.port} of 127.0.0.1 already: use that one" in log
    assert list(other.data_dir.iterdir()) == []
    other.data_dir.rmdir()


def test_of_a_port_that_is_not_ours_it_is_said_that_another_program_has_it(service):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        service.port = other.getsockname()[1]
        service.spawn()
        code, log = service.end()
    assert (code, f"Port {service.port} on 127.0.0.1 is in use by another program" in log) == (1, True), log


def test_a_worker_that_may_not_start_ends_the_service_with_its_reason_on_one_line(service):
    (service.data_dir / "refuse").touch()
    service.spawn()
    code, log = service.end()
    assert code == 1
    assert "cannot start: this installation is | misconfigured" in log
    assert service.processes() == []


def test_a_worker_that_finds_the_database_away_is_tried_again(service):
    (service.data_dir / "away").touch()
    service.start()
    assert service.get("/who") == "devmesh_app"


def test_settings_that_cannot_be_used_are_all_told(service):
    service.spawn(DEVMESH_ENV="production", DEVMESH_PUBLIK_URL="x")
    code, log = service.end()
    assert code == 1
    assert all(name in log for name in ("DEVMESH_MASTER_KEY", "DEVMESH_PUBLIC_URL", "DEVMESH_PUBLIK_URL"))
    assert "Traceback" not in log


def test_a_lost_master_key_is_not_replaced_beside_the_database_it_sealed(service):
    (service.data_dir / "master.key").unlink()
    service.spawn()
    code, log = service.end()
    assert code == 1
    assert "restore the file" in log
    assert not (service.data_dir / "master.key").exists()


def test_no_secret_stands_on_a_command_line(service):
    service.start()
    secrets = [file.read_text().strip() for file in service.data_dir.glob("*.password")]
    secrets.append((service.data_dir / "master.key").read_text().strip())
    lines = "".join(Path(f"/proc/{process}/cmdline").read_text() for process in service.processes())
    assert len(secrets) == 3
    assert lines
    assert not any(secret in lines for secret in secrets)


def test_it_serves_https_with_a_given_certificate(service, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    service.start(DEVMESH_TLS_CERT=str(certificate), DEVMESH_TLS_KEY=str(key))
    trusting = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection("localhost", service.port, context=trusting)
    connection.request("GET", "/who")
    assert connection.getresponse().read() == b"devmesh_app"
    connection.close()
    assert service.stop()[0] == 0


def test_the_parent_is_small(service):
    service.start()
    rollup = Path(f"/proc/{service.process.pid}/smaps_rollup").read_text().splitlines()
    (size,) = (int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    assert size < 20_000
