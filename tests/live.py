"""The real platform for tests: `manage.py serve` with gunicorn, Celery workers and beat, in its own folder."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
import requests

from tests.live_python import LivePython
from tests.prepared import copy_static_files, is_shared, migrated_database, migrated_file
from tests.surroundings import unused_redis

ROOT = Path(__file__).resolve().parent.parent
SERVE = (sys.executable, "manage.py", "serve")
QUICK = {
    "MER_DEMO": "0",
    "MER_UPKEEP_SECONDS": "1",
    "MER_JOB_REQUEUE_SECONDS": "2",
    "MER_JOB_LEASE_SECONDS": "8",
}


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 60) -> Any:
    """Poll until the condition returns something true, and return that. Raises AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out after {timeout:g} s waiting for {what}"
        time.sleep(0.1)
    return value


class Api:
    """The REST API as a script uses it. An unsuccessful answer fails the test."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        return self._checked(self._session.get(f"{self._url}/api/v1/{path}", timeout=60))

    def post(self, path: str, data: dict[str, Any], files: dict[str, Any] | None = None) -> Any:
        body: dict[str, Any] = {"data": data, "files": files} if files else {"json": data}
        return self._checked(self._session.post(f"{self._url}/api/v1/{path}", timeout=60, **body))

    def delete(self, path: str) -> None:
        answer = self._session.delete(f"{self._url}/api/v1/{path}", timeout=60)
        assert answer.ok, f"{answer.status_code} {answer.text[:500]}"

    @staticmethod
    def _checked(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.status_code} {answer.text[:500]}"
        return answer.json()


def _restore_ctrl_c() -> None:
    """Undo that background jobs of a shell, and all processes that they start, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class LivePlatform:
    """Starts, stops and inspects one running platform.

    With DATABASE_URL and REDIS_URL set, it gets its own databases there. ``command`` starts it. In tests, a new one finds a
    migrated database and static files, except ``from_nothing``.
    """

    def __init__(
        self, folder: Path, command: Sequence[str] = SERVE, *, from_nothing: bool = False, **settings: str
    ) -> None:
        self.folder = folder
        self.log = folder / "serve.log"
        self._command = command
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.env = {
            **os.environ,
            **QUICK,
            **settings,
            "PORT": str(self.port),
            "MER_DATA_DIR": str(folder / "data"),
        }
        self.env.pop("DJANGO_SETTINGS_MODULE", None)
        self.password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._session: requests.Session | None = None
        self._admin_url = os.environ.get("DATABASE_URL", "")
        self._database = f"mer_live_{uuid.uuid4().hex[:8]}"
        prepared = is_shared() and not from_nothing
        if prepared and not (data := folder / "data").exists():
            data.mkdir(parents=True)
            copy_static_files(data)
            if not self._admin_url:
                shutil.copy(migrated_file(), data)
        if self._admin_url:
            template = f' TEMPLATE "{migrated_database(self._admin_url)}"' if prepared else ""
            self._sql(f'CREATE DATABASE "{self._database}"{template}')
            self.env["DATABASE_URL"] = urlunsplit(
                urlsplit(self._admin_url)._replace(path=f"/{self._database}")
            )
        self._redis_url = os.environ.get("REDIS_URL", "")
        if self._redis_url:
            self._redis_url = self.env["REDIS_URL"] = unused_redis(self._redis_url)

        self._python = LivePython(self.env)

    def start(self) -> "LivePlatform":
        written = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_restore_ctrl_c,
            )
        wait_until(lambda: self._answers(written), f"the platform to start; see {self.log}", 120)
        if found := re.search(r"One-time password: (\S+)", self.log.read_text()):
            self.password = found[1]
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the platform was not started"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.terminate()
        self.wait()

    def wait(self, timeout: float = 60) -> int:
        """Wait until it ends, and return the exit code."""
        return self.process.wait(timeout)

    def close(self) -> None:
        """End it in any state, and remove its databases."""
        self._python.close()
        if self.running:
            self.stop()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._admin_url:
            self._sql(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')
        if self._redis_url:
            with redis.Redis.from_url(self._redis_url) as client:
                client.flushdb()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def manage(self, *arguments: str) -> str:
        """Run a management command on this platform's data, and return its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, code: str) -> str:
        """Run code as ``manage.py shell`` does, in a process that all tests share, and return what it printed."""
        return self._python.run(code)

    def sign_everyone_out(self) -> None:
        """End all sessions. The next call of ``session_cookies`` signs in again."""
        self.run("from mer_platform.accounts.models import Session; Session.objects.all().delete()")
        self._session = None

    def session_cookies(self) -> list[dict[str, str]]:
        """Return the cookies of the administrator, who signs in once. Tests that sign out need a session of their own."""
        if self._session is None:
            self._session = requests.Session()
            page = self._session.get(f"{self.url}/sign-in/", timeout=60)
            found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
            assert found, page.text
            form = {"username": "admin", "password": self.password, "csrfmiddlewaretoken": found[1]}
            answer = self._session.post(page.url, form, headers={"Referer": self.url}, timeout=60)
            assert "/sign-in/" not in answer.url, "the administrator could not sign in"
        cookies = self._session.cookies.items()
        return [{"name": name, "value": value, "url": self.url} for name, value in cookies]

    def api(self, username: str = "admin") -> Api:
        return Api(self.url, self.manage("create_token", username).strip())

    def kill_workers(self) -> int:
        """Kill the worker and its pool with SIGKILL, and return the number of processes."""
        pids = [pid for pid in self.processes() if "worker@" in _command(pid)]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def pool(self) -> list[int]:
        """Return the ids of all processes of the worker."""
        return [pid for pid in self.processes() if "worker@" in _command(pid)]

    def processes(self) -> list[int]:
        """Return the ids of all processes with this platform's data folder."""
        marker = f"MER_DATA_DIR={self.env['MER_DATA_DIR']}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if marker in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
                except OSError:  # it has just ended
                    continue
        return found

    def _answers(self, written: int) -> bool:
        """Return whether the log says, after its first ``written`` bytes, that the platform runs, and it answers."""
        said = self.log.read_bytes()[written:].decode()
        assert self.running, f"the platform ended while starting:\n{said[-3000:]}"
        try:
            return "is running" in said and requests.get(f"{self.url}/health/", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
