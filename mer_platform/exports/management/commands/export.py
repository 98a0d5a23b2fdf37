from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_features, read_json
from mer_platform.experiments.models import Run
from mer_platform.exports import tables
from mer_platform.exports.models import FeatureExport
from mer_platform.exports.predictions import predictions
from mer_platform.exports.services import start_export
from mer_platform.jobs.waiting import wait_until
from mer_platform.projects.commands import project_of_command
from mer_platform.table_files import CSV, PARQUET, ExportTable, csv_chunks, parquet_file

TABLES, FEATURES = (CSV, PARQUET), tuple(FeatureExport.FileFormat.values)
FORMATS = {"samples": TABLES, "annotations": TABLES, "predictions": TABLES, "features": FEATURES}


class Command(BaseCommand):
    help = (
        "Write the samples or features of a composite version, the annotations of a project, or the predictions of runs, "
        "to a file. "
        "Features need running workers (make run)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=FORMATS, help="the data to export")
        parser.add_argument(
            "--composite-version", type=int, help="id of the version, for samples and features"
        )
        parser.add_argument(
            "--run", type=int, action="append", help="id of a run, for predictions; may repeat"
        )
        parser.add_argument("--project", help="slug of the project, for annotations")
        parser.add_argument(
            "--format", help="csv (default) or parquet; for features safetensors (default) or npz"
        )
        parser.add_argument(
            "--config", type=Path, help="a JSON file with feature settings; default: the default settings"
        )
        parser.add_argument(
            "--output", type=Path, help="the file to write; default: a new name in the current folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        kind = options["format"] or FORMATS[what][0]
        if kind not in FORMATS[what]:
            raise CommandError(f"The format of {what} must be {' or '.join(FORMATS[what])}, not “{kind}”.")
        if what == "features":
            path = self.features(kind, options)
        else:
            table = getattr(self, what)(options)
            path = options["output"] or Path(f"{table.name}.{kind}")
            write(path, csv_chunks(table) if kind == CSV else chunks(parquet_file(table)))
        self.stdout.write(f"{path}")

    def samples(self, options: dict[str, Any]) -> ExportTable:
        return tables.samples(version_of(options))

    def annotations(self, options: dict[str, Any]) -> ExportTable:
        if not options["project"]:
            raise CommandError("Name the project: --project SLUG.")
        project = project_of_command(options["project"])
        return tables.annotations(project)

    def predictions(self, options: dict[str, Any]) -> ExportTable:
        ids = list(dict.fromkeys(options["run"] or ()))
        if not ids:
            raise CommandError("Name the runs: --run ID, once for each.")
        found = Run.objects.select_related("version").in_bulk(ids)
        for pk in ids:
            if pk not in found:
                raise CommandError(f"Run {pk} not found.")
            if not found[pk].scored:
                raise CommandError(f"{found[pk]} has no scores yet; it is {found[pk].get_state_display()}.")
        return predictions([found[pk] for pk in ids])

    def features(self, kind: str, options: dict[str, Any]) -> Path:
        version = version_of(options)
        try:
            export = start_export(version, parse_features(read_json(options["config"])), kind, None)
        except ValidationError as error:
            lines = [f"{field}: {text}" for field, texts in error.message_dict.items() for text in texts]
            raise CommandError("\n".join(lines)) from error
        wait_until(lambda: FeatureExport.objects.get(pk=export.pk).state != FeatureExport.State.WAITING)
        export.refresh_from_db()
        if export.state == FeatureExport.State.FAILED:
            raise CommandError(f"Cannot export the features: {export.error}")
        path = options["output"] or Path(export.download_name)
        write(path, chunks(default_storage.open(export.file)))
        return path


def version_of(options: dict[str, Any]) -> CompositeVersion:
    pk = options["composite_version"]
    if pk is None:
        raise CommandError("Name the version: --composite-version ID.")
    version = CompositeVersion.objects.select_related("composite__project").filter(pk=pk).first()
    if version is None:
        raise CommandError(f"Composite version {pk} not found.")
    return version


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(1 << 20):
            yield chunk


def write(path: Path, pieces: Iterable[bytes]) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise CommandError(f"Cannot write “{path}”: {error.strerror}.") from error
