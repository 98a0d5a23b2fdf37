"""Models and the batches that they scored, exports, imports, webhooks, and the activity of the project."""

from collections.abc import Iterator, Sequence

from django.utils import timezone

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.clips.models import Clip
from mer_platform.experiments.models import Run
from mer_platform.exports.models import FeatureExport, PaperBundle
from mer_platform.features.models import FeatureSet
from mer_platform.filling.plan import Filling, count_stored
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.projects.models import AuditEvent
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.webhooks.models import Delivery, Webhook
from models_ml.classes import CLASSES

MODELS = 0.01  # per run
SCORED = 0.2  # share of the clips
BATCHES = 10
EVENTS = 0.05  # per clip
IMPORTED = 0.5  # share of the clips


def fill(into: Filling, clips: Sequence[Clip]) -> None:
    """Store what became of the runs, and what led to the clips."""
    _score(into, clips)
    _import(into, clips)
    version = into.project.composites.get(name="For runs").versions.get(number=1)
    for number in range(3):
        same = {"config": {}, "config_hash": f"{number:064x}", "created_by": into.owner}
        FeatureExport.objects.create(version=version, format="npz", state="failed", **same)
        FeatureSet.objects.create(version=version, state=FeatureSet.State.FAILED, **same)
        AnnotationImport.objects.create(
            project=into.project, file_name=f"{number}.csv", created_by=into.owner
        )
    runs = list(
        Run.objects.filter(version=version, state=Run.State.FINISHED).values_list("pk", flat=True)[:3]
    )
    PaperBundle.objects.create(
        project=into.project, runs=runs, key="0" * 64, created_by=into.owner, state="failed"
    )
    hook = Webhook.objects.create(
        project=into.project,
        url="https://example.org/",
        events=["run.finished"],
        digest="0" * 64,
        created_by=into.owner,
    )
    delivered = {"webhook": hook, "event": "run.finished", "body": "{}", "state": Delivery.State.DELIVERED}
    count_stored(Delivery, (Delivery(key=f"run {n}", **delivered) for n in range(into.sizes.runs)))
    events = range(round(EVENTS * into.sizes.clips))
    count_stored(
        AuditEvent,
        (AuditEvent(project=into.project, user=into.owner, action=f"did thing {n}") for n in events),
    )


def _score(into: Filling, clips: Sequence[Clip]) -> None:
    finished = Run.objects.filter(project=into.project, state=Run.State.FINISHED).order_by("-pk")
    models = ModelVersion.objects.bulk_create(
        ModelVersion(
            project=into.project,
            run=run,
            name=f"model {run.pk}",
            config=run.config,
            classes=list(CLASSES),
            file=f"models/{run.pk}.safetensors",
            sha256="0" * 64,
            created_by=into.owner,
        )
        for run in finished[: max(1, round(MODELS * into.sizes.runs))]
    )
    ready = [clip for clip in clips if clip.state == Clip.State.READY][: round(SCORED * len(clips))]
    for number in range(BATCHES):
        batch = ScoringBatch.objects.create(
            project=into.project,
            model=models[number % len(models)],
            state=ScoringBatch.State.DONE,
            created_by=into.owner,
        )
        count_stored(ScoringItem, _items(into, batch, ready[number::BATCHES]))


def _items(into: Filling, batch: ScoringBatch, clips: Sequence[Clip]) -> Iterator[ScoringItem]:
    now = timezone.now()
    shares = into.random.dirichlet([1.0] * len(CLASSES), size=len(clips))
    for clip, row in zip(clips, shares, strict=True):
        first, second = sorted(map(float, row), reverse=True)[:2]
        yield ScoringItem(
            batch=batch,
            clip=clip,
            state=ScoringItem.State.DONE,
            waits_for="",
            onset=2,
            apex=8,
            frames_from=ScoringItem.FramesFrom.SPOTTED,
            outcome=ScoringItem.Outcome.EXPRESSION,
            predicted=CLASSES[int(row.argmax())],
            probabilities=dict(zip(CLASSES, map(float, row), strict=True)),
            confidence=first,
            margin=first - second,
            entropy=1 - first,
            finished_at=now,
        )


def _import(into: Filling, clips: Sequence[Clip]) -> None:
    batch = Import.objects.create(
        project=into.project,
        layout="casme2",
        place="folder",
        source="casme2",
        created_by=into.owner,
        state=Import.State.FINISHED,
    )
    some = clips[: round(IMPORTED * len(clips))]
    done = {"batch": batch, "kind": ImportItem.ItemType.CLIP, "state": ImportItem.State.DONE}
    count_stored(
        ImportItem,
        (ImportItem(clip=clip, name=clip.name, files=[clip.original_name], **done) for clip in some),
    )
    odd = {"batch": batch, "severity": "warning", "code": "odd-name"}
    count_stored(
        ImportProblem,
        (ImportProblem(message=f"{clip.name} is odd.", clip=clip.name, **odd) for clip in some[::20]),
    )
