"""`manage.py create_token`, and the parts of `manage.py serve` that need no running platform."""

import signal
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from mer_platform.projects.models import ApiToken
from mer_platform.serving import preparation, processes
from mer_platform.serving.management.commands import serve
from mer_platform.serving.supervisor import interrupted_make


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", password="correct horse 1")


def test_create_token_prints_a_working_token_alone(ada, capsys):
    call_command("create_token", "ada", "--name", "notebook")
    printed = capsys.readouterr().out
    assert printed == printed.strip() + "\n"
    client = APIClient()
    answer = client.get("/api/v1/projects/", HTTP_AUTHORIZATION=f"Bearer {printed.strip()}")
    assert answer.status_code == 200
    row = ApiToken.objects.get(user=ada)
    assert row.name == "notebook"
    assert printed.strip() not in (row.digest, row.prefix)


def test_create_token_for_nobody_says_so(db):
    with pytest.raises(CommandError, match="no user “nobody”"):
        call_command("create_token", "nobody")


def test_create_token_for_an_inactive_user_is_refused(ada):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="not active"):
        call_command("create_token", "ada")
    assert not ApiToken.objects.exists()


def test_create_token_refuses_a_name_too_long_to_keep(ada):
    with pytest.raises(CommandError, match="at most 60"):
        call_command("create_token", "ada", "--name", "n" * 61)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "web", "80.5"])
def test_a_port_out_of_range_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match=f"PORT is “{port}”"):
        processes.number_from_environment("PORT", 8000, 1, 65535)


def test_a_data_folder_is_held_by_one_only(tmp_path):
    with (
        preparation.only_one_in(tmp_path),
        pytest.raises(CommandError, match="runs already"),
        preparation.only_one_in(tmp_path),
    ):
        pass
    with preparation.only_one_in(tmp_path):
        assert (tmp_path / "serve.lock").read_text().isdecimal()


def test_static_files_are_collected_again_only_when_one_changed(settings, tmp_path):
    settings.STATICFILES_DIRS = [tmp_path]
    (tmp_path / "page.css").write_text("a {}")
    before = preparation.static_digest()
    assert preparation.static_digest() == before
    (tmp_path / "page.css").write_text("a { color: red }")
    assert preparation.static_digest() != before


def test_the_box_is_as_wide_as_its_widest_line():
    lines = serve.box(["short", "a longer line"]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "│ short         │"


SUPERVISED = """
import sys
from mer_platform.serving.supervisor import Supervisor
supervisor = Supervisor(lambda: None)
for name, command in zip(("first", "second"), sys.argv[1:], strict=True):
    supervisor.add_process(name, command)
supervisor.loop()
print("ended by itself:", supervisor.ended_by_itself)
"""


def test_the_supervisor_names_the_process_that_ended_first():
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISED, "exec sleep 60", "exit 3"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "ended by itself: second" in done.stdout


def test_a_process_that_ignores_sigterm_is_ended_all_the_same():
    stubborn = "trap '' TERM; while :; do sleep 0.1; done"
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISED, "exit 0", stubborn], capture_output=True, text=True, timeout=30
    )
    assert "second stopped (rc=-9)" in done.stdout


def test_a_child_of_an_ended_process_is_ended_with_it():
    # Without its group being ended the grandchild would hold the pipe, and honcho wait for it, for a minute.
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISED, "sleep 60 & exit 0", "exec sleep 60"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "ended by itself: first" in done.stdout


def test_a_parent_that_is_not_make_never_ends_us():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert not interrupted_make(other.pid)()
        other.send_signal(signal.SIGKILL)
