"""`make run` and `manage.py serve` as people use them: start, restart, every way to stop, and mistakes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.live import ROOT, SERVE, LivePlatform, wait_until

MAKE = (
    "make",
    "-o",
    "install",
    f"PYTHON={sys.executable}",
    "run",
)  # -o: do not install anything
STOP_SECONDS = 15
A_CHECK_THAT_NEVER_ENDS = """
from mer_platform.imports.models import Import
from mer_platform.projects.models import Project
made = Import.objects.create(project=Project.objects.get(), layout="casme2", place="folder", source="x", state="checking")
print(made.pk)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The data folder that these tests share: only the first test starts without an administrator."""
    return tmp_path_factory.mktemp("serve")


@pytest.fixture
def stopped(folder) -> Iterator[LivePlatform]:
    live = LivePlatform(folder)
    yield live
    live.close()


@pytest.fixture
def running(stopped) -> LivePlatform:
    return stopped.start()


def output_of(live: LivePlatform) -> str:
    return live.log.read_text()


def child(live: LivePlatform, name: str) -> int:
    """Return the id of one of honcho's processes after the last start."""
    return int(re.findall(rf"{name} started \(pid=(\d+)\)", output_of(live))[-1])


def expect_none_left(live: LivePlatform) -> None:
    wait_until(lambda: not live.processes(), "every process to end", STOP_SECONDS)


def refused(environment: dict[str, str]) -> str:
    """Return the error message of a start that must fail."""
    done = subprocess.run(SERVE, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_only_the_first_start_shows_a_password(tmp_path):
    live = LivePlatform(tmp_path, from_nothing=True)
    try:
        live.start()
        session = requests.Session()
        token = re.search(
            r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(f"{live.url}/sign-in/").text
        )
        form = {"username": "admin", "password": live.password, "csrfmiddlewaretoken": token[1]}
        answer = session.post(
            f"{live.url}/sign-in/", form, headers={"Referer": live.url}, allow_redirects=False
        )
        assert answer.status_code == 302
        live.stop()
        live.start()
        assert output_of(live).count(live.password) == 1
        assert "MER Platform is running: http://localhost:" in output_of(live)
    finally:
        live.close()
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if live.password.encode() in path.read_bytes()]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL], ids=["closed terminal", "killed"])
def test_ending_serve_leaves_no_process(running, number):
    os.kill(running.pid, number)
    assert running.wait(STOP_SECONDS) == (-9 if number == signal.SIGKILL else 0)
    expect_none_left(running)


@pytest.mark.parametrize(
    ("end", "number"),
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGINT to make alone", "SIGTERM to make alone"],
)
def test_ending_make_leaves_no_process(folder, end, number):
    live = LivePlatform(folder, MAKE)
    try:
        live.start()
        end(live.pid, number)
        live.wait(STOP_SECONDS)
        expect_none_left(live)
        assert "MER Platform has stopped." in output_of(live)
        assert "sending SIGKILL" not in output_of(live)
    finally:
        live.close()


@pytest.mark.parametrize(("end", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)])
def test_jobs_and_requests_that_wait_end_with_the_platform(tmp_path, end, number):
    live = LivePlatform(tmp_path, MER_DEMO="1")
    try:
        live.start()
        wait_until(
            lambda: "demo-subject" in output_of(live) or ":Demo" in output_of(live),
            "a demo clip to be created",
            60,
        )
        waits = live.manage("shell", "-v", "0", "-c", A_CHECK_THAT_NEVER_ENDS).strip()
        address = f"{live.url}/api/v1/imports/{waits}/"
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {live.manage('create_token', 'admin').strip()}"
        assert session.get(address, timeout=30).ok
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(requests.get, f"{address}?wait=30", headers=session.headers, timeout=60)
            time.sleep(1)  # longer than the request takes to arrive
            end(live.pid, number)
            live.wait(STOP_SECONDS)
            assert waiting.result().ok
        assert "sending SIGKILL" not in output_of(live)
        expect_none_left(live)
    finally:
        live.close()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_process_that_dies_stops_the_platform_and_is_named(running, name):
    os.kill(child(running, name), signal.SIGKILL)
    assert running.wait(STOP_SECONDS) == 1
    expect_none_left(running)
    assert f"“{name}” has ended" in output_of(running)


def test_a_second_start_on_the_same_data_folder_or_port_is_refused(running, tmp_path):
    message = refused({**running.env, "PORT": "1"})
    assert "is already running on the data folder" in message
    assert f"process {running.pid}" in message
    data = tmp_path / "data"
    assert f"Port {running.port} is in use" in refused({**running.env, "MER_DATA_DIR": str(data)})
    assert not (data / "mer.sqlite3").exists()


def test_a_port_that_is_not_a_number_is_refused(stopped):
    assert "PORT must be a number from 1 to 65535, not “http”" in refused({**stopped.env, "PORT": "http"})


def test_a_database_that_does_not_answer_is_reported(stopped):
    url = "postgres://stranger@127.0.0.1:9/nothing"
    assert "Cannot use the database" in refused({**stopped.env, "DATABASE_URL": url})
