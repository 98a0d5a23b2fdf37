import http.client
import io
import os
import secrets
import shlex
import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from mer_platform.data_folder import OpenFolder, keep_private
from mer_platform.experiments.networks import network_problems
from mer_platform.serving.preparation import (
    check_free,
    check_storage,
    collected_digest,
    digest_file,
    only_one_in,
    pending_migrations,
    static_digest,
)
from mer_platform.serving.processes import HOST, number_from_environment, process_environment, processes
from mer_platform.serving.supervisor import Supervisor, Terminal, interrupted_make

ADMINISTRATOR = "admin"
POLL_SECONDS = 0.2


class Command(BaseCommand):
    help = (
        "Run the whole platform until Ctrl-C: web, worker, upkeep and beat. Prepare the database; at the first start, "
        "create an administrator and the demo project. The environment may set PORT, MER_DATA_DIR, MER_WORKERS (number of "
        "worker processes; default: one per core) and MER_DEMO=0 (no demo project)."
    )
    requires_system_checks = []  # slower than everything else here; `make lint` runs them
    password: str | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        port = number_from_environment("PORT", 8000, 1, 65535)
        self.close_data_folder()
        with only_one_in(settings.DATA_DIR):
            check_free(port)
            try:
                self.prepare()
                self.run(port)
            except KeyboardInterrupt:
                self.stdout.write("Stopped before any process was started.")
            finally:
                if self.password:
                    self.stdout.write(box(self.sign_in_lines()))

    def close_data_folder(self) -> None:
        """Keep the data folder from other users of the computer, and say what was open. Raises CommandError."""
        try:
            closed = keep_private(settings.DATA_DIR, settings.MEDIA_ROOT)
        except OpenFolder as error:
            raise CommandError(str(error)) from error
        if closed:
            self.stdout.write(
                f"Closed the data folder {settings.DATA_DIR} to other users of this computer. Files and folders that were "
                f"open to them: {closed:,}."
            )

    def prepare(self) -> None:
        """Prepare storage, database and static files. Steps that are already done cost nothing."""
        for problem in network_problems():
            self.stdout.write(problem)
        check_storage()
        try:
            if pending_migrations():
                self.stdout.write("Preparing the database …")
                call_command("migrate", interactive=False, verbosity=0)
            if not User.objects.exists():
                self.first_start()
        except DatabaseError as error:
            raise CommandError(f"Cannot use the database: {error}") from error
        finally:
            connection.close()
        if (digest := static_digest()) != collected_digest():
            self.stdout.write("Collecting the static files …")
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
            digest_file().write_text(digest)

    def first_start(self) -> None:
        self.password = secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMINISTRATOR, password=self.password)
        if settings.DEMO:
            call_command("seed_demo", owner=ADMINISTRATOR, stdout=io.StringIO())
            self.stdout.write("The demo project fills with synthetic clips in the first minutes.")

    def run(self, port: int) -> None:
        make_wants_to_end = interrupted_make(os.getppid())

        def accompany() -> None:
            self.announce(port)
            while not make_wants_to_end():
                time.sleep(POLL_SECONDS)
            os.kill(os.getpid(), signal.SIGTERM)

        supervisor = Supervisor(accompany)
        for name, command in processes(port).items():
            # Pages stay fast while every core trains, and answer before the workers have loaded their libraries.
            nice = "" if name == "web" else "nice -n 5 "
            line = f"exec {nice}{shlex.quote(sys.executable)} -m {command}"
            supervisor.add_process(name, line, env=process_environment(), cwd=str(settings.BASE_DIR))
        try:
            supervisor.loop()
        finally:
            supervisor.kill()
        if ended := supervisor.ended_by_itself:
            raise CommandError(
                f"The process “{ended}” has ended, so the platform was stopped. Its last lines above show the reason."
            )
        self.stdout.write("MER Platform has stopped.")

    def announce(self, port: int) -> None:
        """Print the address of the platform as soon as it answers."""
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
            "It won't be shown again. Sign in and change it under “Change password” (/password/).",
        ]


def answers(port: int) -> bool:
    """Return whether the web process answers. A refusal counts: MER_ALLOWED_HOSTS may not list this host."""
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
