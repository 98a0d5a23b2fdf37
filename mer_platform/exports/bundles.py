"""What a paper bundle of a comparison contains, and the jobs that make bundles."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import plotly.graph_objects as go
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from mer_platform.composites import document
from mer_platform.experiments.comparison import views as comparison
from mer_platform.experiments.comparison.matrices import across_on_paper
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.methods import BIBLIOGRAPHY, methods_of
from mer_platform.experiments.paper.reproduce import PREDICTIONS, config_name, document_name, reproduce_text
from mer_platform.experiments.paper.tables import tables_of
from mer_platform.experiments.runs import views as run_views
from mer_platform.experiments.tables import measured
from mer_platform.exports.models import PaperBundle
from mer_platform.exports.predictions import predictions
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.table_files import csv_chunks
from mer_platform.web import actor
from models_ml.evaluation import METRICS_VERSION
from models_ml.paper.figures import COLUMNS, FORMATS, UnsupportedFigure, render
from models_ml.paper.forms import WRITERS

CODE = "3"  # increase it when the content of bundles changes: then a bundle is made again
OLDEST = (1980, 1, 1, 0, 0, 0)  # of files in a zip; the same bundle gives the same bytes
Report = Callable[[int, int], None]


class Drawing(NamedTuple):
    """A chart of a bundle: how it is drawn for a number of columns, what it shows, and of which runs."""

    draw: Callable[[int], go.Figure]
    caption: str
    runs: Sequence[Run]


def start_bundle(runs: Sequence[Run], user: Any) -> PaperBundle:
    """Return the bundle of these runs, in this order; start one if there is none, or if the earlier one failed."""
    project = runs[0].project
    facts = [
        CODE,
        METRICS_VERSION,
        [
            [run.pk, run.name, run.protocol, run.version.content_hash, run.version.withdrawn_samples]
            for run in runs
        ],
    ]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # so that two clicks make one bundle
        same = PaperBundle.objects.filter(project=project, key=key)
        if there := same.exclude(state=PaperBundle.State.FAILED).first():
            if there.state == PaperBundle.State.WAITING or default_storage.exists(there.file):
                return there
            there.delete()  # its file is missing from the storage
        bundle = PaperBundle.objects.create(
            project=project, runs=[run.pk for run in runs], key=key, created_by=actor(user)
        )
        payload = {"bundle": bundle.pk}
        Job.enqueue("paper-bundle", "features", project.pk, bundle.group, bundle.group, payload)
        AuditEvent.record(project, user, f"exported the {bundle}")
    return bundle


def finish(bundle: PaperBundle, file: str, sha256: str, size: int) -> None:
    """Finish the bundle, whose file is stored. The caller has locked the bundle's row."""
    bundle.state, bundle.finished_at = PaperBundle.State.DONE, timezone.now()
    bundle.file, bundle.sha256, bundle.size = file, sha256, size
    bundle.save(update_fields=["state", "finished_at", "file", "sha256", "size"])


def fail(bundle_id: int, reason: str) -> None:
    """End a waiting bundle with the reason."""
    waiting = PaperBundle.objects.filter(pk=bundle_id, state=PaperBundle.State.WAITING)
    waiting.update(state=PaperBundle.State.FAILED, error=reason, finished_at=timezone.now())


def write_bundle(runs: Sequence[Run], file: IO[bytes], report: Report = lambda done, total: None) -> None:
    """Write the zip of scored runs of one project. ``report`` gets the numbers of finished charts and of all."""
    with ZipFile(file, "w", ZIP_DEFLATED) as zipped:
        for name, content in contents(runs, report):
            info = ZipInfo(name, OLDEST)
            info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
            zipped.writestr(info, content)


def contents(runs: Sequence[Run], report: Report) -> Iterator[tuple[str, str | bytes]]:
    """Yield the name and the content of each file of a bundle."""
    tables = tables_of(runs)
    captions: dict[str, str] = {}
    left_out: list[str] = []
    yield from _figures(runs, captions, left_out, report)
    for name, table in tables.items():
        for form, write in WRITERS.items():
            yield f"tables/{name}.{form}", write(table)
    for run in runs:
        if not run.is_external:
            yield config_name(run), _json(run.config)
    for version in dict.fromkeys(run.version for run in runs):
        if version.withdrawn_samples:
            left_out.append(f"{document_name(version)}: {version.withdrawn_note}")
        else:
            yield document_name(version), _json(document.export(version))
    yield "environment.json", _json({f"run {run.pk}": run.environment for run in runs if not run.is_external})
    yield PREDICTIONS, b"".join(csv_chunks(predictions(runs)))
    yield "methods.md", methods_of(runs)
    yield "references.bib", BIBLIOGRAPHY
    yield "reproduce.md", reproduce_text(runs)
    yield (
        "README.md",
        _readme(runs, captions, {name: table.caption for name, table in tables.items()}, left_out),
    )


def charts(runs: Sequence[Run]) -> dict[str, Drawing]:
    """Return the charts of a bundle by their names: those of the comparison, or those of the only run."""
    if len(runs) == 1:
        return {
            name: Drawing(lambda columns, draw=draw: draw(runs[0]), caption_of(draw), runs)  # type: ignore[misc]
            for name, draw in run_views.FIGURES.items()
            if not (runs[0].is_external and name in run_views.OF_TRAINING)
        }
    return {
        name: Drawing(_of_comparison(name, draw, runs), caption_of(draw), runs)
        for name, draw in comparison.FIGURES.items()
    }


def _of_comparison(
    name: str, draw: Callable[..., go.Figure], runs: Sequence[Run]
) -> Callable[[int], go.Figure]:
    if name.startswith("confusion-"):
        return lambda columns: draw(runs, across=across_on_paper(len(runs), columns))
    if name == "subjects":
        return lambda columns: draw(runs, most=None, named=True)
    return lambda columns: draw(runs)


def _figures(
    runs: Sequence[Run], captions: dict[str, str], left_out: list[str], report: Report
) -> Iterator[tuple[str, bytes]]:
    known = charts(runs)
    for done, (name, drawing) in enumerate(known.items()):
        report(done, len(known))
        whole = f"{drawing.caption} {measured(drawing.runs)}"
        for columns in COLUMNS:
            figure = drawing.draw(columns)
            if not figure.data:
                break
            width = "1-column" if columns == 1 else "2-columns"
            try:
                for form in FORMATS:
                    yield f"figures/{name}-{width}.{form}", render(figure, form, columns, whole)
            except UnsupportedFigure as error:
                left_out.append(f"{name}, {width}: {error}")
            else:
                captions[name] = whole
    report(len(known), len(known))


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _readme(
    runs: Sequence[Run], figures: dict[str, str], tables: dict[str, str], left_out: Sequence[str]
) -> str:
    lines = [
        "# Paper bundle\n", f"{measured(runs)}\n",
        "| file | content |", "|---|---|",
        "| `methods.md` | the methods in words, with the numbers of these runs |",
        "| `reproduce.md` | the commands that give the same numbers |",
        "| `references.bib` | works that the methods name, for BibTeX |",
        "| `figures/` | each figure as SVG, PDF and PNG, for one column (88 mm) and for two (180 mm) |",
        "| `tables/` | each table as CSV, LaTeX (booktabs) and Markdown |",
        f"| `{PREDICTIONS}` | all predictions, with true classes and probabilities |",
        "| `configurations/` | the whole configuration of each run |",
        "| `versions/` | the samples by name, marks, class and hash; no images |",
        "| `environment.json` | libraries, machine, code and device of each run |",
        "\n## Captions of the figures\n", *(f"- **{name}**: {text}" for name, text in figures.items()),
        "\n## Captions of the tables\n", *(f"- **{name}**: {text}" for name, text in tables.items()),
    ]  # fmt: skip
    if left_out:
        lines += ["\n## Left out\n", *(f"- {line}" for line in left_out)]
    return "\n".join(lines) + "\n"
