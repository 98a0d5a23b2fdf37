import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.imports import services
from mer_platform.imports.checking import check_here
from mer_platform.imports.models import Import
from mer_platform.imports.services import ImportSource
from mer_platform.imports.summary import as_json, groups_of
from mer_platform.jobs.models import Job
from mer_platform.jobs.waiting import wait_until
from mer_platform.projects.column_maps import parse_map
from mer_platform.projects.commands import project_of_command
from mer_platform.projects.models import Project
from models_ml import formats
from models_ml.errors import InputError
from models_ml.formats.problem_groups import FIELDS, problems_csv

SHOWN = 40


class Command(BaseCommand):
    help = "Import a database: check its folder and coding sheet, then import the clips. The import needs running workers."
    requires_system_checks = []  # they would take a third of the start-up time; `make lint` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "layout",
            choices=list(formats.LAYOUTS),
            metavar="LAYOUT",
            help="; ".join(f"{layout.key}: {layout.title}" for layout in formats.LAYOUTS.values()),
        )
        parser.add_argument(
            "path", type=Path, metavar="PATH", help="the database's folder, or a file of annotations"
        )
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument("--sheet", type=Path, help="the coding sheet; default: found in the folder")
        parser.add_argument(
            "--columns",
            type=Path,
            metavar="FILE",
            help="a column map (JSON), which says which column of the sheet holds what",
        )
        parser.add_argument(
            "--frame-rate",
            type=float,
            metavar="FPS",
            help="frames per second at which a file of annotations counts frames, if it does not state it",
        )
        parser.add_argument("--dry-run", action="store_true", help="only check and report; needs no worker")
        parser.add_argument(
            "--accept",
            action="append",
            default=[],
            metavar="KEY",
            help="key of a correction to apply; can be repeated",
        )
        parser.add_argument("--accept-all", action="store_true", help="apply every proposed correction")
        parser.add_argument("--no-wait", action="store_true", help="do not wait for the workers")
        parser.add_argument("--json", action="store_true", help="print the complete report as JSON")
        parser.add_argument(
            "--problems",
            type=Path,
            metavar="FILE",
            help="write every problem to a CSV file; the report groups them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = options["json"]
        project = project_of_command(options["project"])
        batch = self._checked(project, options)
        accepted = [c["key"] for c in batch.corrections] if options["accept_all"] else options["accept"]
        try:
            if options["dry_run"]:
                services.check_accepted(batch, accepted)
                if accepted:
                    batch.accepted = accepted
                    batch.save(update_fields=["accepted"])
                    check_here(batch)
            elif accepted or batch.counts()["waiting"]:
                batch = services.confirm(batch, accepted, None)
                if not options["no_wait"]:
                    self._wait(batch)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except KeyboardInterrupt:
            services.cancel(batch, None)
            raise CommandError(
                f"Import {batch.pk} was stopped. Imported items stay; import again to continue."
            ) from None
        batch.refresh_from_db()
        if options["problems"]:
            self._write_problems(batch, options["problems"])
        self._report(batch)
        self._check_outcome(batch)

    def _checked(self, project: Project, options: dict[str, Any]) -> Import:
        """Start an import and check it in this process."""
        sheet = None
        try:
            if options["sheet"]:
                sheet = ContentFile(options["sheet"].read_bytes(), name=options["sheet"].name)
            columns = parse_map(options["columns"].read_bytes()) if options["columns"] else None
            source = ImportSource(Import.SourceType.FOLDER, str(options["path"].resolve()), confined=False)
            batch = services.start(
                project,
                options["layout"],
                source,
                sheet,
                None,
                columns=columns,
                frame_rate=options["frame_rate"],
                enqueue=False,
            )
        except OSError as error:
            raise CommandError(f"Cannot read “{error.filename}”: {error.strerror}.") from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        try:
            check_here(batch)
        except InputError as error:
            services.fail(batch.pk, str(error))
            raise CommandError(str(error)) from error
        return batch

    def _wait(self, batch: Import) -> None:
        """Wait until the import has ended, and print its progress or that no worker has taken it."""
        shown = ""

        def ended() -> bool:
            nonlocal shown
            batch.refresh_from_db()
            counts = batch.counts()
            progress = f"{counts['total'] - counts['waiting']} of {counts['total']}"
            started = Job.objects.filter(group=batch.group, attempt__gt=0).exists()
            if not started:
                progress = "Waiting for a worker. Start the platform with “make run”, or start a worker."
            if progress != shown and not self.quiet:
                self.stderr.write(progress)
            shown = progress
            return not batch.active

        wait_until(ended)

    def _write_problems(self, batch: Import, path: Path) -> None:
        try:
            path.write_text(problems_csv(batch.problems.values(*FIELDS)), encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"Cannot write “{path}”: {error.strerror}.") from error

    def _report(self, batch: Import) -> None:
        if self.quiet:
            self.stdout.write(json.dumps(as_json(batch), ensure_ascii=False))
            return
        groups = groups_of(batch.problems.all())
        for group in groups[:SHOWN]:
            places = "; ".join(group.places)
            more = f"; …, {group.count} in all" if group.count > 1 else ""
            self.stdout.write(f"{group.severity}: {group.message}{f' [{places}{more}]' if places else ''}")
        if (more_groups := len(groups) - SHOWN) > 0:
            self.stdout.write(
                f"… and {more_groups} more kinds of problems. Use --problems to write all to a file."
            )
        for correction in batch.corrections:
            applied = "accepted" if correction["key"] in batch.accepted else "not accepted"
            self.stdout.write(
                f"Correction {correction['key']} ({applied}): {correction['field']} {correction['found']} → "
                f"{correction['proposed']}: {correction['reason']}"
            )
        counts = batch.counts()
        waiting = f"{counts['waiting']} to import, " if counts["waiting"] else ""
        self.stdout.write(
            f"Import {batch.pk} is {batch.state}: {waiting}{counts['done']} imported, {counts['there']} already in the "
            f"project, {counts['failed']} not imported."
        )

    def _check_outcome(self, batch: Import) -> None:
        """Raise CommandError if nothing could be imported."""
        counts = batch.counts()
        if batch.state in (Import.State.FAILED, Import.State.CANCELLED):
            raise CommandError(f"Import {batch.pk} {batch.state}: {batch.problem or 'it was stopped'}")
        if not counts["waiting"] + counts["done"] + counts["there"]:
            raise CommandError("Nothing could be imported.")
