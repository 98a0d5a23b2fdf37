"""The commands that give the numbers of a comparison again, from the files of its bundle."""

from collections.abc import Sequence

from mer_platform.composites.document import file_name
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run

PREDICTIONS = "predictions.csv"


def config_name(run: Run) -> str:
    """Return the name of the file of a run's configuration in the bundle."""
    return f"configurations/run-{run.pk}.json"


def document_name(version: CompositeVersion) -> str:
    """Return the name of the file of a version in the bundle."""
    return f"versions/{file_name(version)}"


def reproduce_text(runs: Sequence[Run]) -> str:
    """Return instructions in Markdown. Each command stands in a block of its own."""
    own, external = ([run for run in runs if run.is_external is kind] for kind in (False, True))
    versions = list(dict.fromkeys(run.version for run in runs))
    parts = [
        "# Reproduce these numbers\n",
        "You need MER Platform, running (`make run`), and your own licensed copies of the databases: the bundle contains no "
        f"images. `{PREDICTIONS}` has the predictions to compare with.\n",
        "Run all commands in the platform's folder, with the bundle unpacked into its subfolder `bundle`.\n",
        "## 1. Samples\n",
        "Import your databases into a project, here “demo”. The command then makes the version from its document, unless a "
        "clip differs in a single byte, and prints its id.\n",
    ]
    for version in versions:
        parts += [
            _block(f"composite_import bundle/{document_name(version)} --project demo --json"),
            _check(version),
        ]
    if own:
        parts += [
            "## 2. Training\n",
            "Replace the number after `--composite-version` with the id that the import printed, if it is another. `--json` "
            "prints the id of the new run and its scores.\n",
        ]
        parts += [_train(run) for run in own]
        parts += [
            "## 3. Predictions\n",
            "Replace the number of the run with the id that the training printed.\n",
            *(_block(f"export predictions --run {run.pk} --output again-{run.pk}.csv") for run in own),
            f"The columns `predicted` and `p_…` equal the rows of the same run in `bundle/{PREDICTIONS}`: bit by bit on the "
            "same kind of device with the same libraries (`environment.json`). On another machine, probabilities can differ "
            "by rounding, and, over many epochs, a prediction at the border of two classes with them.\n",
        ]
    if external:
        names = ", ".join(f"#{run.pk} {run.name}" for run in external)
        parts += [
            "## Predictions of other code\n",
            f"{names}: made by other code, which this bundle does not have. The rows of `{PREDICTIONS}` can be uploaded as "
            "external runs; the scores follow from them.\n",
        ]
    return "\n".join(parts)


def _train(run: Run) -> str:
    return _block(
        f"train --composite-version {run.version_id} --config bundle/{config_name(run)} --wait --json > run-{run.pk}.json"
    )


def _check(version: CompositeVersion) -> str:
    return f"The version that it makes must have the content hash `{version.content_hash}`.\n"


def _block(command: str) -> str:
    return f"```sh\n.venv/bin/python manage.py {command}\n```\n"
