"""A project with any number of rows in each list of the API."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Assignment, Consensus, ConsensusOrigin, Suggestion
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.composites.models import Composite, CompositeVersion, Sample
from mer_platform.experiments.models import Attribution, Experiment, Fold, Prediction, Run, SavedView, Tag
from mer_platform.exports.models import FeatureExport, PaperBundle
from mer_platform.features.models import FeatureSet
from mer_platform.imports.models import Import, ImportFolder, ImportItem, ImportProblem
from mer_platform.jobs.models import Worker
from mer_platform.projects.models import ApiToken, Membership, Project, Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.uploads.models import Upload
from mer_platform.webhooks.models import Delivery, Webhook
from mer_platform.withdrawals.models import Withdrawal
from models_ml.config import RunConfig

COUNTER = count(1)
CLASSES = ["negative", "positive", "surprise"]


def unique() -> str:
    """Return a text that no row has yet."""
    return f"row {next(COUNTER):06}"


class ListLab:
    """One project of a user, with one row of each kind that other rows need. ``fill`` adds rows to a list."""

    def __init__(self, user: User, project: Project) -> None:
        self.user, self.project = user, project
        self.database = Database.objects.create(
            project=project, name="CASME II", fps=200, emotions=["disgust"]
        )
        self.subject = Subject.objects.create(database=self.database, name="sub01")
        self.clip = self.a_clip()
        self.version = self.a_version()
        self.experiment = Experiment.objects.create(
            project=project, version=self.version, name="lab", created_by=user, queue="features", sweep={}
        )
        self.run = self.a_run()
        self.annotation = self.an_annotation()
        self.webhook = self.a_webhook()
        self.batch = self.a_batch()
        self.import_ = Import.objects.create(
            project=project,
            layout="casme2",
            place="folder",
            source="x",
            created_by=user,
            state=Import.State.FINISHED,
        )

    def a_clip(self) -> Clip:
        name = unique()
        return Clip.objects.create(
            project=self.project, subject=self.subject, name=name, sha256=f"{next(COUNTER):064x}",
            file=f"clips/{name}", original_name=f"{name}.mp4", size=1, uploaded_by=self.user, state=Clip.State.READY,
            frame_count=100, fps="200/1",
        )  # fmt: skip

    def a_version(self) -> CompositeVersion:
        composite = Composite.objects.create(project=self.project, name=unique())
        version = CompositeVersion.objects.create(
            composite=composite,
            number=1,
            label_map={},
            content_hash=f"{next(COUNTER):064x}",
            frozen_by=self.user,
        )
        self.a_sample(version)
        return version

    def a_sample(self, version: CompositeVersion | None = None) -> Sample:
        version = version or self.version
        clip = self.a_clip()
        return Sample.objects.create(
            version=version, index=version.samples.count(), clip=clip, name=clip.name, content_sha256=clip.sha256,
            database="CASME II", subject="sub01", onset=1, apex=2, offset=3, emotion="disgust", label="negative",
        )  # fmt: skip

    def a_run(self) -> Run:
        run = Run.objects.create(
            project=self.project, version=self.version, experiment=self.experiment, name=unique(),
            config=RunConfig().model_dump(mode="json"), config_hash=f"{next(COUNTER):064x}", created_by=self.user,
            state=Run.State.FAILED, finished_at=timezone.now(),
        )  # fmt: skip
        run.tags.add(Tag.objects.create(project=self.project, name=unique()))
        Fold.objects.create(run=run, index=0, name="sub01")
        return run

    def an_annotation(self) -> Annotation:
        found = Annotation.objects.create(
            clip=self.a_clip(), coder=self.user, onset=1, apex=2, offset=3, emotion="disgust"
        )
        found.keep_version(self.user, "api")
        return found

    def a_prediction(self) -> Prediction:
        fold, _ = Fold.objects.get_or_create(run=self.run, index=0)
        return Prediction.objects.create(
            run=self.run,
            fold=fold,
            sample=self.a_sample(),
            probabilities=[0.2, 0.3, 0.5],
            predicted="surprise",
        )

    def a_model(self) -> ModelVersion:
        return ModelVersion.objects.create(
            project=self.project, run=self.a_run(), name=unique(), config=RunConfig().model_dump(mode="json"),
            classes=CLASSES, file="models/x", sha256="0" * 64, created_by=self.user,
        )  # fmt: skip

    def a_batch(self) -> ScoringBatch:
        batch = ScoringBatch.objects.create(project=self.project, model=self.a_model(), created_by=self.user)
        ScoringItem.objects.create(batch=batch, clip=self.a_clip())
        return batch

    def an_assignment(self) -> Assignment:
        return Assignment.objects.create(
            clip=self.a_clip(), coder=self.user, assigned_by=self.user, done_at=timezone.now()
        )

    def a_version_of_the_annotation(self) -> Any:
        self.annotation.revision += 1
        self.annotation.save()
        return self.annotation.keep_version(self.user, "api")

    def a_webhook(self) -> Webhook:
        return Webhook.objects.create(
            project=self.project, url=f"https://example.org/{next(COUNTER)}", events=["run.finished"], digest="0" * 64,
            created_by=self.user,
        )  # fmt: skip

    def a_project(self) -> Project:
        project = Project.objects.create(name=unique(), slug=f"p-{next(COUNTER)}")
        Membership.objects.create(project=project, user=self.user, role=Role.OWNER)
        return project

    def lists(self) -> dict[str, tuple[str, Callable[[], Any]]]:
        """Return the address of each list, and what adds a row to it, by the path in the schema."""
        api, project, user, number = "/api/v1", self.project, self.user, COUNTER
        make: dict[str, Callable[[], Any]] = {
            "/projects/": self.a_project,
            "/databases/": lambda: Database.objects.create(project=project, name=unique()),
            "/subjects/": lambda: Subject.objects.create(database=self.database, name=unique()),
            "/clips/": self.a_clip,
            "/withdrawals/": lambda: Withdrawal.objects.create(
                project=project, place=project.slug, database="Lab", pseudonym=unique(), withdrawn_at=timezone.now(),
                withdrawn_by=user,
            ),
            "/flow-pictures/": lambda: FlowPicture.objects.create(
                subject=self.subject, name=unique(), emotion="disgust", file="x", width=8, height=8,
                sha256=f"{next(number):064x}",
            ),
            "/imports/": lambda: Import.objects.create(
                project=project, layout="casme2", place="folder", source=unique(), created_by=user,
                state=Import.State.FINISHED,
            ),
            "/imports/{id}/items/": lambda: ImportItem.objects.create(batch=self.import_, kind="clip", name=unique()),
            "/imports/{id}/problems/": lambda: ImportProblem.objects.create(
                batch=self.import_, severity="warning", code="odd", message=unique()
            ),
            "/annotations/": self.an_annotation,
            "/annotations/{id}/versions/": self.a_version_of_the_annotation,
            "/annotation-imports/": lambda: AnnotationImport.objects.create(
                project=project, file_name=unique(), created_by=user
            ),
            "/consensus/": lambda: Consensus.objects.create(
                clip=self.a_clip(), origin=ConsensusOrigin.ADJUDICATED, decided_by=user, onset=1, apex=2, offset=3
            ),
            "/assignments/": self.an_assignment,
            "/clips/{id}/suggestions/": lambda: Suggestion.objects.create(
                clip=self.clip, onset=next(number), apex=10**6, offset=10**6, confidence=0.5, spotter="2"
            ),
            "/composites/": lambda: Composite.objects.create(project=project, name=unique()),
            "/composite-versions/": self.a_version,
            "/composite-versions/{id}/samples/": self.a_sample,
            "/composite-versions/{version}/features/": lambda: FeatureSet.objects.create(
                version=self.version, config={}, config_hash=f"{next(number):064x}", created_by=user,
                state=FeatureSet.State.READY,
            ),
            "/runs/": self.a_run,
            "/runs/{id}/predictions/": self.a_prediction,
            "/runs/{id}/folds/": lambda: Fold.objects.create(run=self.run, index=next(number), name=unique()),
            "/runs/{id}/attributions/": lambda: Attribution.objects.create(
                run=self.run, config={"method": "occlusion"}, config_hash=f"{next(number):064x}", created_by=user,
                state=Attribution.State.DONE,
            ),
            "/experiments/": lambda: Experiment.objects.create(
                project=project, version=self.version, name=unique(), created_by=user, queue="features", sweep={}
            ),
            "/import-folders/": lambda: ImportFolder.objects.create(project=project, path=unique()),
            "/tags/": lambda: Tag.objects.create(project=project, name=unique()),
            "/saved-views/": lambda: SavedView.objects.create(
                project=project, name=unique(), query="ordering=-uar", created_by=user
            ),
            "/workers/": lambda: Worker.objects.create(
                name=unique(), host="h", pid=1, device="cpu", last_seen=timezone.now()
            ),
            "/models/": self.a_model,
            "/scoring-batches/": self.a_batch,
            "/scoring-batches/{id}/items/": lambda: ScoringItem.objects.create(
                batch=self.batch, clip=self.a_clip(), name=unique()
            ),
            "/paper-bundles/": lambda: PaperBundle.objects.create(
                project=project, runs=[self.run.pk], key=unique(), created_by=user, state="failed"
            ),
            "/feature-exports/": lambda: FeatureExport.objects.create(
                version=self.version, config={}, config_hash=unique(), format="npz", created_by=user, state="failed"
            ),
            "/webhooks/": self.a_webhook,
            "/webhooks/{id}/deliveries/": lambda: Delivery.objects.create(
                webhook=self.webhook, event="run.finished", key=unique(), body="{}"
            ),
            "/me/tokens/": lambda: ApiToken.make(user, unique())[0],
            "/projects/{project_pk}/members/": lambda: Membership.objects.create(
                project=project, user=User.objects.create(username=f"member-{next(number)}"), role=Role.VIEWER
            ),
            "/uploads/": lambda: Upload.objects.create(
                project=project, created_by=user, filename=unique(), size=5, expires_at=timezone.now() + timedelta(days=1)
            ),
        }  # fmt: skip
        parents = {
            "imports": self.import_, "annotations": self.annotation, "clips": self.clip,
            "composite-versions": self.version, "runs": self.run, "webhooks": self.webhook, "projects": project,
            "scoring-batches": self.batch,
        }  # fmt: skip
        found = {}
        for path, adds in make.items():
            address = path
            if "{" in path:
                kind = path.split("/")[1]
                address = re.sub(r"\{.*?\}", str(parents[kind].pk), path)
            found[api + path] = (api + address, adds)
        return found
