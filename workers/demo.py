"""Queue ``ingest``, kinds ``demo`` and ``demo-subject``: render the clips of the demo project, one job per subject.

Each clip is stored as an upload is, and its known marks and emotion become its consensus.
"""

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.base import File

from mer_platform.annotation.models import Consensus, ConsensusOrigin
from mer_platform.clips.models import Clip, Database
from mer_platform.clips.services import ClipExists, add_clip
from mer_platform.composites.labelmaps import LabelMap
from mer_platform.composites.services import freeze
from mer_platform.jobs.models import Claim, Job
from mer_platform.projects.models import Project
from mer_platform.storage import local_copy
from models_ml.synthetic.clip import ClipSpec, write_clip
from models_ml.synthetic.demo import DATABASES, demo_clips
from workers.ingest import decode_clip, save_result
from workers.runner import handles

COMPOSITE = "Demo composite"


def leave_project(_job: Job, _reason: str) -> None:
    """The list of jobs shows the failed job; nothing else waits for it."""


@handles("demo", failed=leave_project)
def plan(claim: Claim) -> None:
    """Create the databases, and queue one job per subject."""
    project = claim.job.project
    specs = demo_clips()
    with claim.commit() as job:
        for database in DATABASES:
            Database.objects.update_or_create(
                project=project,
                name=database.name,
                defaults={"fps": database.fps, "emotions": list(database.vocabulary)},
            )
        for name, subject in sorted({(spec.database, spec.subject) for spec in specs}):
            Job.enqueue(
                "demo-subject",
                "ingest",
                project.pk,
                f"{job.group}:{name}:{subject}",
                job.group,
                {"database": name, "subject": subject},
            )
        claim.finish(job)


@handles("demo-subject", failed=leave_project)
def make_subject(claim: Claim) -> None:
    """Render, store and ingest the clips of one subject; the last job freezes the composite."""
    wanted, project = claim.job.payload, claim.job.project
    specs = [s for s in demo_clips() if (s.database, s.subject) == (wanted["database"], wanted["subject"])]
    database = Database.objects.get(project=project, name=wanted["database"])
    with tempfile.TemporaryDirectory() as folder:
        for done, spec in enumerate(specs):
            claim.check()
            claim.progress(done, len(specs))
            clip = _store(database, spec, Path(folder))
            if clip.state != Clip.State.READY:
                with local_copy(clip.file) as path:
                    result = decode_clip(clip, path, lambda _frames: claim.check())
                with claim.commit():
                    save_result(clip, result)
                    _save_consensus(clip, spec)
    with claim.commit() as job:
        claim.finish(job)
        # The lock on the project's row lets exactly one of the last jobs see that all are done.
        Project.objects.select_for_update().get(pk=project.pk)
        if not Job.objects.filter(group=job.group, state__in=Job.OPEN).exists():
            _freeze(project)


def _store(database: Database, spec: ClipSpec, folder: Path) -> Clip:
    path = write_clip(spec, folder)
    try:
        with path.open("rb") as file:
            return add_clip(
                database,
                spec.subject,
                File(file, name=path.name),
                None,
                name=spec.name,
                fps=spec.fps,
                ingest=False,
            )
    except ClipExists as existing:
        return existing.clip
    finally:
        path.unlink()


def _save_consensus(clip: Clip, spec: ClipSpec) -> None:
    Consensus.objects.update_or_create(
        clip=clip,
        defaults={
            "onset": spec.onset,
            "apex": spec.apex,
            "offset": spec.offset,
            "emotion": spec.emotion,
            "action_units": spec.action_units,
            "origin": ConsensusOrigin.SYNTHETIC,
        },
    )


def _freeze(project: Project) -> None:
    label_map: LabelMap = {database.name: dict(database.label_map) for database in DATABASES}
    databases: list[Any] = list(project.databases.filter(name__in=label_map))
    freeze(project, COMPOSITE, databases, label_map, None)
