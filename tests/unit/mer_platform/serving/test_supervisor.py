"""The supervisor of `manage.py serve`, with processes that end, ignore signals or leave children."""

import signal
import subprocess
import sys

from mer_platform.serving.supervisor import interrupted_make

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


def test_a_process_that_ignores_sigterm_is_killed():
    stubborn = "trap '' TERM; while :; do sleep 0.1; done"
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISED, "exit 0", stubborn], capture_output=True, text=True, timeout=30
    )
    assert "second stopped (rc=-9)" in done.stdout


def test_a_child_of_an_ended_process_is_ended_with_it():
    # If its group were not ended, the grandchild would hold the pipe for a minute, and honcho would wait for it.
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISED, "sleep 60 & exit 0", "exec sleep 60"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "ended by itself: first" in done.stdout


def test_a_parent_other_than_make_never_asks_to_end():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert not interrupted_make(other.pid)()
        other.send_signal(signal.SIGKILL)
