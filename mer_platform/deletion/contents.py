"""What a deletion removes: rows, files and jobs, counted before anything is deleted."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum

from mer_platform.annotation.blindness import blind_clips, seen_by
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.composites.models import CompositeVersion
from mer_platform.deletion.kinds import Holdings
from mer_platform.experiments.models import Baseline, Experiment, Run
from mer_platform.exports.models import FeatureExport, PaperBundle
from mer_platform.imports.models import Import, ImportItem
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Project
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.uploads.models import Upload
from mer_platform.webhooks.models import Webhook

Target = Clip | FlowPicture | Subject | Database | Project

CLIP_JOBS = ("ingest", "turn", "spot", "flow-layer")
SHOWN_VERSIONS = 3
WORDS = {
    "databases": ("database", "databases"),
    "subjects": ("subject", "subjects"),
    "clips": ("clip", "clips"),
    "flow_pictures": ("flow picture", "flow pictures"),
    "annotations": ("annotation by a coder", "annotations by coders"),
    "consensus": ("expression of the consensus", "expressions of the consensus"),
    "assignments": ("assignment", "assignments"),
    "scores": ("score", "scores"),
    "composite_versions": ("frozen version", "frozen versions"),
    "experiments": ("experiment", "experiments"),
    "runs": ("run", "runs"),
    "folds": ("fold", "folds"),
    "predictions": ("prediction", "predictions"),
    "fold_weights": ("network of a fold", "networks of folds"),
    "attributions": ("attribution", "attributions"),
    "baselines": ("pinned baseline of a leaderboard", "pinned baselines of leaderboards"),
    "models": ("model", "models"),
    "scoring_batches": ("scoring batch", "scoring batches"),
    "feature_exports": ("feature export", "feature exports"),
    "paper_bundles": ("paper bundle", "paper bundles"),
    "imports": ("import report", "import reports"),
    "memberships": ("membership", "memberships"),
    "webhooks": ("webhook", "webhooks"),
    "open_jobs": ("job that is queued or running", "jobs that are queued or running"),
}


def why_not_counted(clips: int) -> str:
    """Return what the counts leave out for someone who still has to code so many of the clips."""
    which = "1 clip in your queue" if clips == 1 else f"{clips} clips in your queue"
    return (
        f"All marks of other coders, the consensus and the scores of {which}: not counted here until you have coded "
        f"{'it' if clips == 1 else 'them'}, because coding is blind"
    )


@dataclass(frozen=True)
class Contents:
    """A target, its project, and the clips and flow pictures that go with it."""

    target: Target
    project: Project
    clips: QuerySet[Clip]
    pictures: QuerySet[FlowPicture]

    @classmethod
    def of(cls, target: Target) -> "Contents":
        clips, pictures = Clip.objects.all(), FlowPicture.objects.all()
        match target:
            case Clip():
                return cls(target, target.project, clips.filter(pk=target.pk), pictures.none())
            case FlowPicture():
                project = target.subject.database.project
                return cls(target, project, clips.none(), pictures.filter(pk=target.pk))
            case Subject():
                project = target.database.project
                return cls(target, project, clips.filter(subject=target), pictures.filter(subject=target))
            case Database():
                within = {"subject__database": target}
                return cls(target, target.project, clips.filter(**within), pictures.filter(**within))
            case Project():
                pictures = pictures.filter(subject__database__project=target)
                return cls(target, target, clips.filter(project=target), pictures)

    def refusal(self) -> str:
        """Return why the target cannot be deleted, as a sentence, or an empty string if it can."""
        versions = [str(version) for version in self.versions()]
        if not versions:
            return ""
        named = [f"“{version}”" for version in versions[:SHOWN_VERSIONS]]
        if more := len(versions) - SHOWN_VERSIONS:
            named = [*named, f"{more} more"] if more > 0 else named
        listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        one = len(versions) == 1
        inside = "it" if isinstance(self.target, Clip | FlowPicture) else "its recordings"
        instead = (
            " If the person withdraws their consent, an owner can withdraw them instead."
            if isinstance(self.target, Subject)
            else ""
        )
        return (
            f"Cannot delete {self.target}: the frozen version{'' if one else 's'} {listed} "
            f"contain{'s' if one else ''} {inside}, and results refer to {'that version' if one else 'these versions'}. "
            "Frozen versions stay as long as their project: to delete everything, delete the project."
            f"{instead}"
        )

    def versions(self) -> QuerySet[CompositeVersion]:
        """Return the frozen versions that would lose samples and stay; none for a project, with which they go."""
        if isinstance(self.target, Project):
            return CompositeVersion.objects.none()
        inside = Q(samples__clip__in=self.clips) | Q(samples__picture__in=self.pictures)
        found = CompositeVersion.objects.filter(inside).select_related("composite")
        return found.distinct().order_by("pk")

    def blind_clips(self, user: Any) -> int:
        """Return how many of the clips the user still has to code."""
        return self.clips.filter(pk__in=blind_clips(user)).count()

    def counts(self, viewer: Any = None) -> dict[str, int]:
        """Return how many rows of each kind go, without those that there are none of.

        For a viewer, this leaves out others' annotations, the consensus and the scores of clips that they still have to
        code.
        """
        rows: dict[str, QuerySet[Any]] = {
            "clips": self.clips,
            "flow_pictures": self.pictures,
            "annotations": Annotation.objects.filter(clip__in=self.clips),
            "consensus": Consensus.objects.filter(clip__in=self.clips),
            "assignments": Assignment.objects.filter(clip__in=self.clips),
            "scores": ScoringItem.objects.filter(clip__in=self.clips),
        }
        if viewer is not None:
            rows["annotations"] = seen_by(viewer, rows["annotations"])
            for name in ("consensus", "scores"):
                rows[name] = rows[name].exclude(clip__in=blind_clips(viewer))
        if isinstance(self.target, Database):
            rows["subjects"] = self.target.subjects.all()
        if isinstance(self.target, Project):
            own = {"project": self.target}
            rows |= {
                "databases": Database.objects.filter(**own),
                "subjects": Subject.objects.filter(database__project=self.target),
                "composite_versions": CompositeVersion.objects.filter(composite__project=self.target),
                "experiments": Experiment.objects.filter(**own),
                "runs": Run.objects.filter(**own),
                "baselines": Baseline.objects.filter(run__project=self.target),
                "models": ModelVersion.objects.filter(project=self.target),
                "scoring_batches": ScoringBatch.objects.filter(**own),
                "feature_exports": FeatureExport.objects.filter(version__composite__project=self.target),
                "paper_bundles": PaperBundle.objects.filter(**own),
                "memberships": Membership.objects.filter(**own),
                "webhooks": Webhook.objects.filter(**own),
            }
        counts = {name: found.count() for name, found in rows.items()} | {"open_jobs": len(self.open_jobs())}
        if isinstance(self.target, Project):
            reports = (Import, AnnotationImport)
            counts["imports"] = sum(
                model._default_manager.filter(project=self.target).count() for model in reports
            )
        return {name: counts[name] for name in WORDS if counts.get(name)}

    def in_words(self) -> str:
        """Return the counts as a phrase: "2 subjects, 12 clips"; "nothing" if all are zero."""
        return ", ".join(self.lines()) or "nothing"

    def lines(self, viewer: Any = None) -> list[str]:
        """Return the counts as phrases, one per kind of row; for a viewer, as ``counts``, with what is left out."""
        lines = [f"{count:,} {WORDS[name][count != 1]}" for name, count in self.counts(viewer).items()]
        if viewer is not None and (blind := self.blind_clips(viewer)):
            lines.append(why_not_counted(blind))
        return lines

    def bytes(self) -> int:
        """Return the size of the uploaded clips and of the exports; frames, features and models come on top."""
        total: int = self.clips.aggregate(total=Sum("size"))["total"] or 0
        if isinstance(self.target, Project):
            exports = FeatureExport.objects.filter(version__composite__project=self.target)
            for files in (exports, PaperBundle.objects.filter(project=self.target)):
                total += files.aggregate(total=Sum("size"))["total"] or 0
        return total

    def open_jobs(self) -> list[Job]:
        """Return the queued and running jobs that are cancelled."""
        if isinstance(self.target, Project):
            return list(Job.objects.filter(project=self.target, state__in=Job.OPEN))
        groups = [batch.group for batch in self.running_imports()]
        importing = Job.objects.filter(group__in=groups, state__in=Job.OPEN)
        return [*self.clip_jobs(), *importing]

    def clip_jobs(self) -> list[Job]:
        """Return the queued and running jobs that work on one of the clips alone."""
        ids = set(self.clips.values_list("pk", flat=True))
        jobs = Job.objects.filter(project=self.project, kind__in=CLIP_JOBS, state__in=Job.OPEN)
        return [job for job in jobs if job.payload.get("clip") in ids]

    def running_imports(self) -> list[Import]:
        """Return the running imports that would add to the database or subject again."""
        waiting = ImportItem.objects.filter(state=ImportItem.State.WAITING, batch__project=self.project)
        match self.target:
            case Database():
                waiting = waiting.filter(database=self.target.name)
            case Subject():
                waiting = waiting.filter(database=self.target.database.name, subject=self.target.name)
            case _:
                return []
        return list(Import.objects.filter(state__in=Import.ACTIVE, pk__in=waiting.values("batch")))

    def has_running_jobs(self) -> bool:
        return any(job.state == Job.State.RUNNING or job.cancel_requested for job in self.open_jobs())

    def holdings(self) -> Holdings:
        """Return the rows whose files go, leaving out features of clips whose bytes another project has too."""
        others = Clip.objects.exclude(project=self.project).filter(sha256__in=self.clips.values("sha256"))
        shared = frozenset(others.values_list("sha256", flat=True))
        scores = ScoringItem.objects.filter(clip__in=self.clips)
        if not isinstance(self.target, Project):
            return Holdings(self.clips, self.pictures, scores, skip=shared)
        return Holdings(
            self.clips,
            self.pictures,
            scores,
            CompositeVersion.objects.filter(composite__project=self.target),
            Import.objects.filter(project=self.target),
            Run.objects.filter(project=self.target),
            PaperBundle.objects.filter(project=self.target),
            Upload.objects.filter(project=self.target),
            batches=ScoringBatch.objects.filter(project=self.target),
            imported_models=ModelVersion.objects.filter(project=self.target, run__isnull=True),
            skip=shared,
        )
