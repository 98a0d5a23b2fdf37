import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_sweep, read_json
from mer_platform.experiments import services
from mer_platform.experiments.durations import duration_in_words
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.results import results_of
from mer_platform.jobs.models import Job
from mer_platform.jobs.waiting import wait_until
from models_ml.config import PRESETS, SweepConfig, from_preset


class Command(BaseCommand):
    help = (
        "Launch a run, or several runs with --grid, --seeds or --preset. Workers must be running (make run). "
        "Exits with an error if a run fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--composite-version", type=int, required=True, help="id of the composite version"
        )
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--config", type=Path, help="a JSON file; default: the default configuration")
        source.add_argument(
            "--preset",
            choices=PRESETS,
            help="a preset of the platform; the other options change it",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="SETTING=VALUE",
            help="for example net.width=0.05; repeatable",
        )
        parser.add_argument(
            "--grid",
            action="append",
            default=[],
            metavar="SETTING=VALUE,…",
            help="values to try, for example net.placement=1,2,3 or net.kernels=[2,3],[2,3,4] or "
            "net=vgg_m,ststnet; repeatable",
        )
        parser.add_argument("--seeds", help="run every combination once per seed, for example 0,1,2")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--priority", type=int, default=0, help="experiments with a higher priority start first"
        )
        parser.add_argument("--device", default="auto", choices=Experiment.Device.values)
        parser.add_argument(
            "--keep-weights",
            default="auto",
            choices=Experiment.KeepWeights.values,
            help="keep the networks of the folds, for attribution; auto: if they take 1 GB or less",
        )
        parser.add_argument("--wait", action="store_true", help="wait until all runs have ended")
        parser.add_argument("--json", action="store_true", help="print the runs and their results as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        version = CompositeVersion.objects.filter(pk=options["composite_version"]).first()
        if version is None:
            raise CommandError(f"There is no composite version {options['composite_version']}.")
        try:
            sweep = parse_sweep(_sweep_data(options))
            experiment = services.launch_experiment(
                version,
                sweep,
                None,
                options["name"],
                options["priority"],
                options["device"],
                options["keep_weights"],
            )
        except ValidationError as error:
            raise CommandError(_error_text(error, options["config"])) from error
        if options["wait"]:
            self._wait(experiment)
        runs = list(experiment.runs.select_related("version").order_by("pk"))
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(experiment, sweep, runs)))
        else:
            for run in runs:
                self.stdout.write(_line(run))
        failed = [run for run in runs if run.state in (Run.State.FAILED, Run.State.CANCELLED)]
        if failed:
            raise CommandError("\n".join(f"run {r.pk} {r.state}: {r.error or 'stopped'}" for r in failed))

    def _wait(self, experiment: Experiment) -> None:
        """Wait until it has ended, and report its progress, or that no worker is running."""
        reported = ""

        def ended() -> bool:
            nonlocal reported
            progress = experiment.progress()
            now = f"{progress['folds_done']} of {progress['folds_total']} folds"
            if (left := progress["seconds_left"]) is not None:
                now += f", {duration_in_words(left)} left"
            if not Job.objects.filter(group=experiment.group, attempt__gt=0).exists():
                now = "waiting for a worker (start the platform with “make run”, or start a worker)"
            if now != reported:
                self.stderr.write(now)
            reported = now
            return not experiment.active

        wait_until(ended)


def _sweep_data(options: dict[str, Any]) -> dict[str, Any]:
    """Return the sweep that the options describe, not validated yet."""
    grid = {path: _values(path, text) for path, text in map(_pair, options["grid"])}
    seeds = _list(options["seeds"]) if options["seeds"] else []
    if options["preset"]:
        sweep = from_preset(options["preset"], {}, grid, seeds)
    else:
        sweep = {"base": read_json(options["config"]), "grid": grid, "seeds": seeds}
    for path, text in map(_pair, options["set"]):
        [value] = _values(path, text)[:1] if path == "net" else [_value(text)]
        if any(path.startswith(f"{varied}.") for varied in sweep["grid"]):
            sweep["grid"][path] = [value]  # for each of the varied networks
        else:
            _put(sweep["base"], path, value)
    return sweep


def _pair(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not (path and equals and value):
        raise CommandError(f"“{text}” is not of the form SETTING=VALUE, for example net.width=0.05.")
    return path, value


def _values(path: str, text: str) -> list[Any]:
    values = _list(text)
    return [{"name": value} if path == "net" and isinstance(value, str) else value for value in values]


def _list(text: str) -> list[Any]:
    """Return values separated by commas: JSON such as ``1,2`` or ``[2,3],[2,4]``, otherwise words.

    >>> _list("1,2"), _list("[2,3],[4]"), _list("adam,sgd")
    ([1, 2], [[2, 3], [4]], ['adam', 'sgd'])
    """
    try:
        return list(json.loads(f"[{text}]"))
    except json.JSONDecodeError:
        return [_value(word.strip()) for word in text.split(",")]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _put(data: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        data = data.setdefault(name, {}) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        raise CommandError(f"Cannot set “{path}”: its parent is not a group of settings.")
    data[last] = value


def _error_text(error: ValidationError, config: Path | None) -> str:
    lines = [f"{field}: {message}" for field, texts in error.message_dict.items() for message in texts]
    if config and all(field.startswith("base.") for field in error.message_dict):
        inside = [line.removeprefix("base.") for line in lines]
        return "\n".join([f"Errors in the configuration {config}:", *inside])
    return "\n".join(lines)


def _as_json(experiment: Experiment, sweep: SweepConfig, runs: list[Run]) -> dict[str, Any]:
    """Return a single run as an object, several as a list in an object."""
    rows = [{**_run_json(run), "values": sweep.varied(run.settings)} for run in runs]
    if len(rows) == 1:
        return {**rows[0], "experiment": experiment.pk}
    return {"experiment": experiment.pk, "state": experiment.state, "runs": rows}


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "name": run.name,
        "state": run.state,
        "error": run.error,
        "version": run.version_id,
        "content_hash": run.version.content_hash,
        "config_hash": run.config_hash,
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "environment": run.environment,
        "results": results_of(run).as_json() if run.state == Run.State.FINISHED else None,
    }


def _line(run: Run) -> str:
    if run.state != Run.State.FINISHED:
        return f"run {run.pk}, {run.name}: {run.get_state_display()}"
    results = results_of(run).as_json()
    scores = f"UF1 {results['uf1']:.4f}, UAR {results['uar']:.4f}, accuracy {results['accuracy']:.4f}"
    return f"run {run.pk}, {run.name}: {scores}"
