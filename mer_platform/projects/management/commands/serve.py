import fcntl
import hashlib
import http.client
import io
import os
import secrets
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.jobs.broker import GPU_QUEUE, QUEUES
from mer_platform.projects.management.commands._supervisor import Supervisor, Terminal, interrupted_make

ADMINISTRATOR = "admin"
HOST = "127.0.0.1"
POLL_SECONDS = 0.2
GPU_DRIVER = Path("/dev/nvidiactl")  # there where a process can use an NVIDIA GPU
POOL = "workers.pool:TaskPool"  # what -P custom is
ALONE = (
    "--without-gossip --without-mingle"  # Celery workers have nothing to tell each other: see Job.claim_next
)


class Command(BaseCommand):
    help = (
        "Run the whole platform until Ctrl-C: web, worker, upkeep and beat. Prepares the database, and at the first "
        "start makes an administrator and the demo project. Heeds PORT, MER_DATA_DIR, MER_DEMO=0 and MER_WORKERS (processes "
        "that work at once, one a core if not set)."
    )
    requires_system_checks = []  # they take longer than everything else here; `make lint` runs them
    password: str | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        port = number_from_environment("PORT", 8000, 1, 65535)
        with only_one_in(settings.DATA_DIR):
            check_free(port)
            try:
                self.prepare()
                self.run(port)
            except KeyboardInterrupt:
                self.stdout.write("Stopped before anything was started.")
            finally:
                if self.password:
                    self.stdout.write(box(self.sign_in_lines()))

    def prepare(self) -> None:
        """What must be there before the first process starts; a step that was done before costs nothing."""
        check_storage()
        try:
            if pending_migrations():
                self.stdout.write("Preparing the database …")
                call_command("migrate", interactive=False, verbosity=0)
            if not User.objects.exists():
                self.first_start()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        finally:
            connection.close()
        if (digest := static_digest()) != collected_digest():
            self.stdout.write("Collecting the static files …")
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
            digest_file().write_text(digest)

    def first_start(self) -> None:
        self.password = secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMINISTRATOR, password=self.password)
        if os.environ.get("MER_DEMO") != "0":
            call_command("seed_demo", owner=ADMINISTRATOR, stdout=io.StringIO())
            self.stdout.write("The demo project will fill with synthetic clips in the first minutes.")

    def run(self, port: int) -> None:
        make_wants_to_end = interrupted_make(os.getppid())

        def accompany() -> None:
            self.announce(port)
            while not make_wants_to_end():
                time.sleep(POLL_SECONDS)
            os.kill(os.getpid(), signal.SIGTERM)

        supervisor = Supervisor(accompany)
        for name, command in processes(port).items():
            # Pages stay quick while every core trains, and answer before the workers have loaded their libraries.
            nice = "" if name == "web" else "nice -n 5 "
            line = f"exec {nice}{shlex.quote(sys.executable)} -m {command}"
            supervisor.add_process(name, line, env=process_environment(), cwd=str(settings.BASE_DIR))
        try:
            supervisor.loop()
        finally:
            supervisor.kill()
        if ended := supervisor.ended_by_itself:
            raise CommandError(
                f"“{ended}” has ended, so everything was stopped: its last lines above say why."
            )
        self.stdout.write("MER Platform has stopped.")

    def announce(self, port: int) -> None:
        """Print the address as soon as it answers."""
        while not answers(port):
            time.sleep(POLL_SECONDS)
        lines = [f"MER Platform is running: http://localhost:{port}", "Stop it with Ctrl-C."]
        if self.password:
            lines[1:1] = self.sign_in_lines()
            self.password = None
        Terminal().write(box(lines) + "\n")
        Terminal().flush()

    def sign_in_lines(self) -> list[str]:
        return [
            f"Administrator:     {ADMINISTRATOR}",
            f"One-time password: {self.password}",
            "It is shown only this once. Sign in and change it under “Change password” (/password/).",
        ]


def processes(port: int) -> dict[str, str]:
    """The Python module of each process, and its arguments."""
    count = number_from_environment("MER_WORKERS", os.cpu_count() or 1, 1, 1000)
    pool = f"-Q {','.join(QUEUES)} -P custom -c {count}"
    gpu = f"celery -A workers.app -q --skip-checks worker -n gpu@%h -Q {GPU_QUEUE} -P custom -c 1 {ALONE} -l INFO"
    # Beat only sends, so it need not load what the workers load.
    return {
        "web": f"gunicorn mer_platform.wsgi --bind {HOST}:{port} --worker-class gthread --workers 2 --threads 4 "
        "--preload --timeout 120 --graceful-timeout 3 --no-control-socket",
        "worker": f"celery -A workers.app -q --skip-checks worker -n worker@%h {pool} {ALONE} -l INFO",
        "upkeep": f"celery -A workers.app -q --skip-checks worker -n upkeep@%h -Q upkeep -P solo {ALONE} -l WARNING",
        "beat": "celery -A mer_platform.jobs.broker -q --skip-checks beat -l WARNING",
        **({"gpu": gpu} if GPU_DRIVER.exists() else {}),
    }


def process_environment() -> dict[str, str]:
    # The pool's processes are the parallelism: more threads in each would only compete for the same cores.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # Celery otherwise waits for the job in hand, minutes for a fold; jobs are resumable, Ctrl-C should be quick.
    return {
        **os.environ,
        **one_thread,
        "REMAP_SIGTERM": "SIGQUIT",
        "PYTHONUNBUFFERED": "1",
        "CELERY_CUSTOM_WORKER_POOL": POOL,
    }


def number_from_environment(name: str, default: int, low: int, high: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise CommandError(f"{name} is “{text}”: it must be a number from {low} to {high}.")
    return int(text)


@contextmanager
def only_one_in(folder: Path) -> Iterator[None]:
    """Hold the data folder; the lock goes with this process and its children, however they end."""
    with (folder / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise CommandError(
                f"The platform runs already on the data folder {folder} (process {lock.read().strip()}). "
                "Stop it first, or choose another folder: MER_DATA_DIR=… make run"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CommandError(
                f"Port {port} needs privileges: choose one above 1023, e.g. PORT=8001 make run"
            ) from error
        except OSError as error:
            raise CommandError(
                f"Port {port} is in use by another program. Stop that one, or choose another port: PORT=8001 make run"
            ) from error


def check_storage() -> None:
    """Find out now that the object store cannot be used, and not at the first upload."""
    if not settings.STORAGE_URL:
        return
    from mer_platform.objectstore import ObjectStorage  # its libraries are slow to load, and seldom needed

    store = storages["default"]
    if isinstance(store, ObjectStorage) and (problem := store.problem()):
        raise CommandError(problem)


def pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def static_digest() -> str:
    """What the static files are made of, by place, size and time: reading them all would take longer."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {storage.path(name)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def digest_file() -> Path:
    return settings.DATA_DIR / "static.sha256"


def collected_digest() -> str:
    """The digest at the last collection, if what it collected is still there."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return digest_file().read_text() if manifest.exists() and digest_file().exists() else ""


def answers(port: int) -> bool:
    """Whether the web process serves pages; any answer will do, since MER_ALLOWED_HOSTS may not name this host."""
    client = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        client.request("GET", "/health/")
        return client.getresponse().status < 500
    except OSError:
        return False
    finally:
        client.close()


def box(lines: list[str]) -> str:
    width = max(map(len, lines))
    rule = "─" * (width + 2)
    return "\n".join([f"┌{rule}┐", *(f"│ {line.ljust(width)} │" for line in lines), f"└{rule}┘"])
