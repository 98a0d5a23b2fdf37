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
from mer_platform.imports.summary import as_json
from mer_platform.jobs.models import Job
from mer_platform.jobs.waiting import wait_until
from mer_platform.projects.models import Project
from models_ml import formats
from models_ml.errors import InputError

SHOWN = 40


class Command(BaseCommand):
    help = "Import a database of clips: check its folder and coding sheet, then take the clips in (with running workers)."
    requires_system_checks = []  # they would take a third of its start; `make lint` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "layout", choices=list(formats.LAYOUTS), metavar="LAYOUT", help=", ".join(formats.LAYOUTS)
        )
        parser.add_argument("path", type=Path, metavar="PATH", help="the folder (or the file of annotations)")
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument(
            "--sheet", type=Path, help="the coding sheet; without it, looked for in the folder"
        )
        parser.add_argument("--dry-run", action="store_true", help="check and report only; needs no worker")
        parser.add_argument(
            "--accept",
            action="append",
            default=[],
            metavar="KEY",
            help="a correction to apply; repeat for several",
        )
        parser.add_argument("--accept-all", action="store_true", help="apply every proposed correction")
        parser.add_argument(
            "--no-wait", action="store_true", help="return when the work is handed to the workers"
        )
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = options["json"]
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
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
                f"{batch} was stopped; what is imported stays. Import again to go on."
            ) from None
        batch.refresh_from_db()
        self._report(batch)
        self._judge(batch)

    def _checked(self, project: Project, options: dict[str, Any]) -> Import:
        """The import, checked in this process."""
        sheet = None
        try:
            if options["sheet"]:
                sheet = ContentFile(options["sheet"].read_bytes(), name=options["sheet"].name)
            source = ImportSource(Import.SourceType.FOLDER, str(options["path"].resolve()), confined=False)
            batch = services.start(project, options["layout"], source, sheet, None, enqueue=False)
        except OSError as error:
            raise CommandError(f"{options['sheet']} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        try:
            check_here(batch)
        except InputError as error:
            services.fail(batch.pk, str(error))
            raise CommandError(str(error)) from error
        return batch

    def _wait(self, batch: Import) -> None:
        """Until it has ended, saying how far it is, and that nobody works where nobody does."""
        said = ""

        def ended() -> bool:
            nonlocal said
            batch.refresh_from_db()
            counts = batch.counts()
            now = f"{counts['total'] - counts['waiting']} of {counts['total']}"
            started = Job.objects.filter(group=batch.group, attempt__gt=0).exists()
            if not started:
                now = "waiting for a worker (start the platform with “make run”, or a worker beside it)"
            if now != said and not self.quiet:
                self.stderr.write(now)
            said = now
            return not batch.active

        wait_until(ended)

    def _report(self, batch: Import) -> None:
        if self.quiet:
            self.stdout.write(json.dumps(as_json(batch), ensure_ascii=False))
            return
        for problem in batch.problems.all()[:SHOWN]:
            place = ", ".join(
                part
                for part in (problem.file, f"row {problem.row}" if problem.row else "", problem.column)
                if part
            )
            self.stdout.write(f"{problem.severity}: {problem.message}{f' [{place}]' if place else ''}")
        if (more := batch.problems.count() - SHOWN) > 0:
            self.stdout.write(f"… and {more} more (--json prints all).")
        for correction in batch.corrections:
            applied = "accepted" if correction["key"] in batch.accepted else "not accepted"
            self.stdout.write(
                f"correction {correction['key']} ({applied}): {correction['field']} {correction['found']} → "
                f"{correction['proposed']}: {correction['reason']}"
            )
        counts = batch.counts()
        waiting = f"{counts['waiting']} to import, " if counts["waiting"] else ""
        self.stdout.write(
            f"{batch} is {batch.state}: {waiting}{counts['done']} imported, {counts['there']} already there, "
            f"{counts['failed']} not imported."
        )

    def _judge(self, batch: Import) -> None:
        """End with an error where nothing could be imported."""
        counts = batch.counts()
        if batch.state in (Import.State.FAILED, Import.State.CANCELLED):
            raise CommandError(f"{batch} {batch.state}: {batch.problem or 'it was stopped'}")
        if not counts["waiting"] + counts["done"] + counts["there"]:
            raise CommandError("Nothing could be imported.")
