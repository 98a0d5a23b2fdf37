"""A Python process on the database of a running platform: it loads Django once and runs code for several tests."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Answers each line, a piece of code in JSON, with a line: whether it succeeded, and what it printed or the traceback.
LOOP = """
import contextlib, io, json, sys, traceback
import django
django.setup()
from django.core.management.commands.shell import Command
from django.db import connection
answers, names = sys.stdout, Command().get_namespace()
for line in sys.stdin:
    printed, succeeded = io.StringIO(), True
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(json.loads(line), "<test>", "exec"), {"__name__": "__main__", **names})
        except BaseException:
            succeeded = False
            traceback.print_exc(file=printed)
    connection.close()
    print(json.dumps([succeeded, printed.getvalue()]), file=answers, flush=True)
"""


class LivePython:
    """Runs code with the platform's settings. It starts at the first use."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**environment, "DJANGO_SETTINGS_MODULE": "mer_platform.settings"}
        self._process: subprocess.Popen[str] | None = None

    def run(self, code: str) -> str:
        """Run code as ``manage.py shell`` does, and return what it printed. Raises AssertionError with the traceback."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LOOP],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(code), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the process that runs code for tests has ended"
        succeeded, printed = json.loads(answer)
        assert succeeded, printed
        return str(printed)

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None
