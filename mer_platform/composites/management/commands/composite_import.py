import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites import document, document_import
from mer_platform.projects.commands import project_of_command


class Command(BaseCommand):
    help = "Compare another lab's version with a project, and freeze the identical version if all samples are there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the document that composite_export wrote")
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument(
            "--name", default="", help="the composite's name; default: the name in the document"
        )
        parser.add_argument("--compare-only", action="store_true", help="only compare; freeze nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of_command(options["project"])
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read “{options['file']}”: {error.strerror}.") from error
        try:
            compared = document_import.compare(project, document.read(content))
            version = compared.existing
            if version is None and compared.complete and not options["compare_only"]:
                version = document_import.adopt(project, compared, None, options["name"])
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        result = compared.to_json(version)
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        self.stdout.write(
            f"{result['status']}: {version or 'no version'}; {result['there']} samples equal, {len(result['other'])} with "
            f"other marks or names, {len(result['lacking'])} missing"
        )
