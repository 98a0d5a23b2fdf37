import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.document import export
from mer_platform.composites.models import CompositeVersion


class Command(BaseCommand):
    help = "Write a frozen version as a small JSON document for another lab. It contains no images."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int, help="id of the composite version")
        parser.add_argument("--output", type=Path, help="the file to write; default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        version = CompositeVersion.objects.filter(pk=options["version"]).first()
        if version is None:
            raise CommandError(f"Composite version {options['version']} not found.")
        text = json.dumps(export(version), indent=1, ensure_ascii=False)
        if options["output"] is None:
            self.stdout.write(text)
            return
        try:
            options["output"].write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot write “{options['output']}”: {error.strerror}.") from error
