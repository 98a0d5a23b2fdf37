import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from models_ml.nets.registry import NET_CONFIGS, PLUGINS


class Command(BaseCommand):
    help = (
        "Check a network: shapes, counts, independence of its members, leaks, equality and learning. Run it on each "
        "network of an installed package. Exits with an error if a check fails."
    )
    requires_system_checks = []  # they would take a third of the start-up time; `make lint` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="name of the network; default: list all networks")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if name is None:
            for key, config in NET_CONFIGS.items():
                self.stdout.write(
                    f"{key}: {config.title}, {PLUGINS.packages.get(key, 'part of the platform')}"
                )
            for problem in PLUGINS.problems:
                self.stderr.write(str(problem))
            return
        # A process of its own: the platform's processes load no PyTorch.
        command = [sys.executable, "-m", "models_ml.checking", name]
        if status := subprocess.run(command, check=False).returncode:  # noqa: S603
            reason = "has failed checks" if status == 1 else "cannot be checked"
            raise CommandError(f"The network “{name}” {reason}.", returncode=status)
