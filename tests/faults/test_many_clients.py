"""Many clients at once: pages stay quick while they wait for progress, and none overwrites another unseen."""

import subprocess
import sys
import threading
import time

import pytest
import requests

from tests.live import ROOT, LivePlatform

pytestmark = pytest.mark.campaign
CLIENTS = 50
AN_IMPORT_THAT_NEVER_ENDS = """
from mer_platform.imports.models import Import
from mer_platform.projects.models import Project
from django.contrib.auth.models import User
from mer_platform.projects.services import create_project
project = create_project("Waiting", User.objects.get(username="admin"))
print("import", Import.objects.create(project=project, layout="casme2", place="folder", source="x", state="checking").pk)
"""


def test_pages_stay_quick_with_50_clients_that_wait(tmp_path, capsys):
    platform = LivePlatform(tmp_path, MER_WORKERS="1")
    try:
        platform.start()
        made = manage(platform, "shell", "-c", AN_IMPORT_THAT_NEVER_ENDS)
        token = manage(platform, "create_token", "admin").split()[-1]
        number = made.split("import ")[-1].split()[0]
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        address = f"{platform.url}/api/v1/imports/{number}/"
        tag = session.get(address, timeout=30).headers["ETag"]
        assert tag
        took_alone = pages(session, platform)
        stop = threading.Event()
        answers: list[tuple[int, float, bool]] = []
        threads = [
            threading.Thread(target=poll, args=(address, token, tag, stop, answers), daemon=True)
            for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        took = pages(session, platform)
        stop.set()
        for thread in threads:
            thread.join(60)
        with capsys.disabled():
            waited = [seconds for _, seconds, _ in answers if seconds > 4]
            print(
                f"\nslowest of 40 pages: {max(took_alone):.2f} s alone, {max(took):.2f} s with {CLIENTS} waiting clients; "
                f"median {sorted(took_alone)[20]:.3f} and {sorted(took)[20]:.3f} s; "
                f"{len(answers)} answers, {len(waited)} after a wait, {sum(again for *_, again in answers)} sent away"
            )
        assert {status for status, *_ in answers} == {304}
        assert any(again for *_, again in answers)
        assert waited
        assert max(took) < 5
    finally:
        platform.close()


def test_of_20_changes_of_the_same_state_at_once_one_is_made(tmp_path):
    platform = LivePlatform(tmp_path, MER_WORKERS="1")
    try:
        platform.start()
        headers = {"Authorization": f"Bearer {manage(platform, 'create_token', 'admin').split()[-1]}"}
        made = requests.post(
            f"{platform.url}/api/v1/projects/", json={"name": "Lab"}, headers=headers, timeout=60
        )
        address = made.json()["url"]
        for round_ in range(3):
            tag = requests.get(address, headers=headers, timeout=60).headers["ETag"].replace("-gzip", "")
            start = threading.Barrier(20)
            answers: list[int] = []

            def change(
                number: int, tag: str = tag, start: threading.Barrier = start, answers: list[int] = answers
            ) -> None:
                start.wait()
                body = {"description": f"change {number} of round {round_}"}  # noqa: B023
                answer = requests.patch(address, json=body, headers={**headers, "If-Match": tag}, timeout=120)
                answers.append(answer.status_code)

            threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answers) == [200] + [412] * 19
    finally:
        platform.close()


def pages(session: requests.Session, platform: LivePlatform) -> list[float]:
    """Return the seconds of 40 requests of lists and pages."""
    took = []
    for number in range(40):
        start = time.monotonic()
        path = "/sign-in/" if number % 2 else "/api/v1/projects/"
        assert session.get(f"{platform.url}{path}", timeout=60).status_code == 200
        took.append(time.monotonic() - start)
        time.sleep(0.1)
    return took


def poll(
    address: str, token: str, tag: str, stop: threading.Event, answers: list[tuple[int, float, bool]]
) -> None:
    """Wait again and again, as a client does that follows Retry-After."""
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": tag}
    while not stop.is_set():
        start = time.monotonic()
        answer = requests.get(f"{address}?wait=5", headers=headers, timeout=60)
        again = answer.headers.get("Retry-After")
        answers.append((answer.status_code, time.monotonic() - start, again is not None))
        stop.wait(int(again or 0))


def manage(platform: LivePlatform, *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=platform.env, capture_output=True, text=True, check=True)
    return done.stdout
