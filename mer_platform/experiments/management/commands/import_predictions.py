import json
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.external import importing
from mer_platform.experiments.models import ExternalRun, PredictionUpload
from models_ml.errors import InputError
from models_ml.formats.prediction_tables import MAX_BYTES
from models_ml.formats.problem_groups import group_problems


class Command(BaseCommand):
    help = (
        "Store predictions of other code as a run. The protocol is declared, not verified. Needs no worker. Exits with an "
        "error, and stores nothing, if a row is wrong."
    )
    requires_system_checks = []  # they would take a third of the start-up time; `make lint` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int, help="id of the composite version")
        parser.add_argument("path", type=Path, metavar="FILE", help="CSV, Parquet or a workbook")
        parser.add_argument(
            "--protocol",
            required=True,
            choices=["loso", "lodo", "kfold", "cross"],
            help="the protocol that they declare",
        )
        parser.add_argument("--folds", type=int, help="number of folds; kfold only")
        parser.add_argument(
            "--train-on", action="append", default=[], metavar="DATABASE", help="cross only; repeatable"
        )
        parser.add_argument(
            "--test-on", action="append", default=[], metavar="DATABASE", help="cross only; repeatable"
        )
        parser.add_argument("--name", default="", help="of the method; default: the name of the file")
        parser.add_argument(
            "--source", default="", help="where the code is: an address, a commit or a citation"
        )
        parser.add_argument("--seed", type=int, default=0, help="the seed of the code, if it has one")
        parser.add_argument("--user", metavar="USERNAME", help="the member who uploads them")
        parser.add_argument("--dry-run", action="store_true", help="only check and report")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        version = CompositeVersion.objects.filter(pk=options["version"]).first()
        if version is None:
            raise CommandError(f"Composite version {options['version']} not found.")
        user = _member(version, options["user"])
        if len(options["name"]) > 120 or len(options["source"]) > 500:
            raise CommandError("--name must be at most 120 characters long, and --source at most 500.")
        upload = _checked(version, options, user)
        run, created = None, False
        if not (upload.has_errors or options["dry_run"]):
            run, created = importing.store(upload, user)
        groups = group_problems(upload.problems)
        if options["json"]:
            report = {
                "run": run.pk if run else None,
                "created": created,
                "samples": len(upload.rows),
                "protocol": upload.protocol,
                "checked": upload.checked,
                "problems": [group.to_json() for group in groups],
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for group in groups:
                places = "; ".join(group.places)
                count = f" ({group.count} times)" if group.count > 1 else ""
                self.stdout.write(
                    f"{group.severity}: {group.message}{count}{f' [{places}]' if places else ''}"
                )
            for sentence in upload.checked:
                self.stdout.write(sentence)
        if upload.has_errors:
            raise CommandError(f"“{upload.file_name}” has errors. Nothing was stored.")
        if run is None:
            self.stdout.write(f"{len(upload.rows)} predictions can be stored (dry run).")
        elif not options["json"]:
            what = "is stored" if created else "was stored before"
            self.stdout.write(f"Run {run} {what}. {ExternalRun.MARK.capitalize()}.")


def _checked(version: CompositeVersion, options: dict[str, Any], user: User | None) -> PredictionUpload:
    path: Path = options["path"]
    names = ("protocol", "folds", "train_on", "test_on", "name", "source", "seed")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return importing.check_file(
            version, path.name, content, {name: options[name] for name in names}, user
        )
    except OSError as error:
        raise CommandError(f"Cannot read “{path}”: {error.strerror}.") from error
    except InputError as error:
        raise CommandError(str(error)) from error
    except ValidationError as error:
        raise CommandError(
            "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
        ) from error


def _member(version: CompositeVersion, name: str | None) -> User | None:
    if name is None:
        return None
    member = version.project.memberships.select_related("user").filter(user__username=name).first()
    if member is None:
        raise CommandError(f"Project “{version.project.slug}” has no member “{name}”.")
    return member.user
