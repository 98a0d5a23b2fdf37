import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import results_of
from mer_platform.experiments.services import launch, parse_config
from mer_platform.jobs.waiting import wait_until


class Command(BaseCommand):
    help = "Launch a leave-one-subject-out run. The workers must be running (make run)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--composite-version", type=int, required=True, help="the frozen version's id")
        parser.add_argument("--config", type=Path, help="a JSON file; without it, the default configuration")
        parser.add_argument("--name", default="")
        parser.add_argument("--wait", action="store_true", help="return when the run has ended")
        parser.add_argument("--json", action="store_true", help="print the run and its results as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        version = CompositeVersion.objects.filter(pk=options["composite_version"]).first()
        if version is None:
            raise CommandError(f"There is no composite version {options['composite_version']}.")
        try:
            config = parse_config(read_json(options["config"]))
        except ValidationError as error:
            lines = [
                f"{field}: {message}"
                for field, messages in error.message_dict.items()
                for message in messages
            ]
            raise CommandError(
                "\n".join([f"{options['config']} is not a valid configuration:", *lines])
            ) from error
        run = launch(version, config, None, options["name"])
        if options["wait"]:
            wait_until(lambda: not Run.objects.get(pk=run.pk).active)
            run.refresh_from_db()
        self._report(run, options["json"])
        if run.state in (Run.State.FAILED, Run.State.CANCELLED):
            raise CommandError(f"run {run.pk} {run.state}: {run.error or 'stopped'}")

    def _report(self, run: Run, as_json: bool) -> None:
        results = results_of(run).as_json() if run.state == Run.State.FINISHED else None
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "id": run.pk,
                        "state": run.state,
                        "version": run.version_id,
                        "content_hash": run.version.content_hash,
                        "config_hash": run.config_hash,
                        "seed": run.settings.seed,
                        "seconds": round(run.seconds, 1),
                        "results": results,
                    }
                )
            )
        elif results:
            self.stdout.write(
                f"run {run.pk}: UF1 {results['uf1']:.4f}, UAR {results['uar']:.4f}, accuracy {results['accuracy']:.4f}"
            )
        else:
            self.stdout.write(f"run {run.pk}: {run.get_state_display()}")


def read_json(path: Path | None) -> Any:
    if path is None:
        return {}
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise CommandError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
