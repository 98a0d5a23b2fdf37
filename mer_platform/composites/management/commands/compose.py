import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.labelmaps import suggest
from mer_platform.composites.services import freeze
from mer_platform.projects.models import Project


class Command(BaseCommand):
    help = "Freeze a composite version of a project's databases under the suggested label map."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument("--name", default="Composite", help="the composite's name")
        parser.add_argument(
            "--database", action="append", help="a database's name; repeat for several; default: all"
        )
        parser.add_argument("--json", action="store_true", help="print id, hash and counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        databases = list(project.databases.all())
        if options["database"]:
            known = {database.name for database in databases}
            if unknown := [name for name in options["database"] if name not in known]:
                raise CommandError(f"{project} has no database {unknown}; it has {sorted(known)}.")
            databases = [database for database in databases if database.name in options["database"]]
        try:
            version = freeze(project, options["name"], databases, suggest(databases), None)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        counts = version.counts()
        result = {"id": version.pk, "content_hash": version.content_hash, "counts": counts}
        self.stdout.write(
            json.dumps(result) if options["json"] else f"{version}: {counts['samples']} samples"
        )
