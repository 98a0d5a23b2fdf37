import json
import re
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.annotation.exchange import services
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.projects.column_maps import parse_map
from mer_platform.projects.commands import project_of_command
from mer_platform.projects.models import Project
from models_ml.errors import InputError

SHOWN = 40


class Command(BaseCommand):
    help = (
        "Import a file of annotations: check it, print what it would change, and import it. Needs no worker."
    )
    requires_system_checks = []  # they would take a third of the start-up time; `make lint` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path", type=Path, metavar="FILE", help="a coding sheet, ELAN, Label Studio or JSON"
        )
        parser.add_argument("--project", required=True, help="the project's slug")
        parser.add_argument(
            "--coders",
            choices=AnnotationImport.Coders.values,
            default=AnnotationImport.Coders.NAMES,
            help="whose annotations they are: of the members that the file names (names), of --user (me), or no one's, "
            "since they are the consensus of the clips (consensus)",
        )
        parser.add_argument("--user", metavar="USERNAME", help="the member who imports the file")
        parser.add_argument(
            "--member",
            action="append",
            default=[],
            metavar="NAME=USERNAME",
            help="the member that a name in the file stands for; can be repeated",
        )
        parser.add_argument(
            "--frame-rate",
            type=float,
            metavar="FPS",
            help="at which the file counts, if it does not state it",
        )
        parser.add_argument(
            "--columns",
            type=Path,
            metavar="MAP",
            help="a column map (JSON), which says which column of a sheet holds what",
        )
        parser.add_argument(
            "--choose",
            action="append",
            default=[],
            metavar="NUMBER=CHOICE",
            help="what to do with a row: add, change or keep; can be repeated",
        )
        parser.add_argument(
            "--all", default="", metavar="CHOICE", help="what to do with all rows that allow it"
        )
        parser.add_argument("--dry-run", action="store_true", help="only check and report")
        parser.add_argument("--json", action="store_true", help="print the complete report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of_command(options["project"])
        user = self._user(project, options)
        choices = _choices(options["choose"])
        members = _pairs(options["member"], "--member")
        try:
            columns = parse_map(options["columns"].read_bytes()) if options["columns"] else None
            batch = services.check_file(
                project, user, options["path"].name, options["path"].read_bytes(), options["coders"], members,
                options["frame_rate"], columns,
            )  # fmt: skip
        except OSError as error:
            raise CommandError(f"Cannot read “{error.filename}”: {error.strerror}.") from error
        except (InputError, ValidationError) as error:
            raise CommandError(_text(error)) from error
        try:
            if choices or options["all"]:
                services.choose(batch, choices, options["all"])
            if not options["dry_run"]:
                services.confirm(batch, user)
        except ValidationError as error:
            batch.delete()
            raise CommandError(_text(error)) from error
        batch.refresh_from_db()
        self._report(batch, as_json=options["json"])
        if options["dry_run"]:
            batch.delete()

    def _user(self, project: Project, options: dict[str, Any]) -> User | None:
        name = options["user"]
        if name is None:
            if options["coders"] == AnnotationImport.Coders.ME:
                raise CommandError("Whose are they? Name the member with --user.")
            return None
        member = project.memberships.select_related("user").filter(user__username=name).first()
        if member is None:
            raise CommandError(f"Project “{project.slug}” has no member “{name}”.")
        return member.user

    def _report(self, batch: AnnotationImport, *, as_json: bool) -> None:
        if as_json:
            names = ("state", "names", "problems", "entries", "consensus", "conflicts")
            report = {
                "id": batch.pk,
                "counts": batch.counts(),
                **{name: getattr(batch, name) for name in names},
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        for problem in batch.problems[:SHOWN]:
            place = f"{problem['file']}, row {problem['row']}" if problem["row"] else problem["file"]
            self.stdout.write(f"{problem['severity']}: {problem['message']} [{place}]")
        for entry in [*batch.entries, *batch.consensus][:SHOWN]:
            changed = "; ".join(f"{name} {old} → {new}" for name, (old, new) in entry["changed"].items())
            who = entry["coder_name"] or "consensus"
            row = f"{entry['number']}: {entry['choice']} {entry['clip_name']}, {who}"
            self.stdout.write(f"{row}{f' ({changed})' if changed else ''}")
        for conflict in batch.conflicts:
            self.stdout.write(f"skipped: {conflict['clip_name']}: {conflict['why']}")
        if (
            more := len(batch.entries) + len(batch.consensus) + max(0, len(batch.problems) - SHOWN) - SHOWN
        ) > 0:
            self.stdout.write(f"… and {more} more. Use --json to print all.")
        counts = batch.counts()
        done = "not imported (dry run)" if batch.state == AnnotationImport.State.CHECKED else "imported"
        self.stdout.write(
            f"{batch.file_name} is {done}: {counts['add']} to add, {counts['change']} to change, {counts['same']} the same, "
            f"{counts['consensus']} consensus, {counts['problems']} not imported, {counts['conflicts']} skipped."
        )


def _pairs(texts: list[str], option: str, *, numbers: bool = False) -> dict[str, str]:
    """Return the values by name. Raises CommandError for a text without “=”, or without a number before it."""
    pairs = dict(text.rpartition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if not value or not name or (numbers and not re.fullmatch("[0-9]{1,9}", name)):
            expected = "NUMBER=CHOICE" if numbers else "NAME=USERNAME"
            raise CommandError(f"{option} must be {expected}, not “{name or value}”.")
    return pairs


def _choices(texts: list[str]) -> dict[int, str]:
    pairs = _pairs(texts, "--choose", numbers=True)
    try:
        return {services.row_number(number): choice for number, choice in pairs.items()}
    except ValidationError as error:
        raise CommandError(_text(error)) from error


def _text(error: Exception) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
