"""One row of each model in one project, and nine kinds of callers, for the access matrix."""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Database, Subject
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Run
from mer_platform.projects.models import ApiToken, Membership, Project, Role
from mer_platform.projects.services import create_project
from models_ml.config import RunConfig
from tests.api.finished_runs import finished
from tests.platform_fixtures import stored_clip

ROLES = ["viewer", "annotator", "researcher", "owner"]
OTHERS = ["anonymous", "expired token", "wrong scope", "outsider", "administrator"]
ACTORS = [*OTHERS, *ROLES]


# What rows need in addition to placeholders, by the name of their model.
STATED: dict[str, dict[str, Any]] = {
    "attribution": {"config": {"method": "occlusion"}},
    "modelversion": {"config": RunConfig().model_dump(mode="json"), "classes": ["negative"]},
    "webhook": {"url": "https://example.org/", "events": ["run.finished"]},
    "delivery": {"event": "run.finished", "body": "{}"},
    "paperbundle": {"runs": [1]},
}


WITHOUT = {"importitem", "importproblem"}  # models whose placeholders no page could show


class Lab:
    """The project. ``rows`` has a row by the name of each model; ``users`` has the users by role."""

    def __init__(self) -> None:
        self.users = {name: User.objects.create_user(name) for name in [*ROLES, "outsider"]}
        self.users["administrator"] = User.objects.create_superuser("administrator")
        self.project = create_project("Matrix", self.users["owner"])
        for role in ROLES[:-1]:
            Membership.objects.create(project=self.project, user=self.users[role], role=Role(role))
        self.rows: dict[str, Any] = {"project": self.project, "annotator": self.users["annotator"]}
        self._fill()
        self._tokens = {
            "expired token": self._token(expires_at=timezone.now() - timedelta(days=1)),
            **{scope: self._token(scopes=[scope]) for scope in ("clips:write", "runs:write")},
        }

    def _token(self, **limits: Any) -> str:
        return ApiToken.make(self.users["owner"], "matrix", **limits)[1]

    def client(self, actor: str, is_api: bool, area: str | None = "") -> Client:
        """Return a client that acts as one of ``ACTORS``. ``area``: of the scope that the address needs."""
        if is_api and actor in ("expired token", "wrong scope"):
            other = "clips:write" if area != "clips" else "runs:write"
            secret = self._tokens[actor if actor == "expired token" else other]
            return APIClient(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)
        user = self.users.get(actor)
        if is_api:
            client: Any = APIClient(raise_request_exception=False)
            if user:
                client.force_authenticate(user)
            return client
        client = Client(raise_request_exception=False)
        if user:
            client.force_login(user)
        return client

    def _fill(self) -> None:
        owner = self.users["owner"]
        database = Database.objects.create(
            project=self.project, name="CASME II", fps=200, emotions=["disgust"]
        )
        for subject in ("s1", "s2"):
            clip = stored_clip(database, f"of {subject}", subject)
            Consensus.objects.create(
                clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted"
            )
        version = freeze(self.project, "Two", [database], {"CASME II": {"disgust": "negative"}}, owner)
        run = finished(version, [0, 0], owner)
        free = stored_clip(database, "not in the version", "s3")
        annotator = self.users["annotator"]
        annotation = Annotation.objects.create(
            clip=free, coder=annotator, onset=1, apex=5, offset=9, emotion="disgust"
        )
        assignment = Assignment.objects.create(clip=free, coder=annotator)
        self.rows |= {
            "database": database, "subject": Subject.objects.create(database=database, name="s4"), "clip": free,
            "compositeversion": version, "composite": version.composite, "run": run, "experiment": run.experiment,
            "fold": run.folds.first(), "annotation": annotation, "assignment": assignment,
            "consensus": Consensus.objects.first(), "membership": Membership.objects.get(user=annotator),
            "token": ApiToken.make(owner, "own")[0],
        }  # fmt: skip
        default_storage.save(free.thumbnail_name, ContentFile(b"no image"))
        for model in sorted(apps.get_models(), key=lambda m: m._meta.label):
            if model.__module__.startswith("mer_platform.") and model._meta.model_name not in WITHOUT:
                self.row_of(model)

    def row_of(self, model: type[models.Model]) -> Any:
        """Return the row of the model; if there is none, store one with placeholders in what it requires."""
        name = model._meta.model_name or ""
        if name not in self.rows:
            found = model._default_manager.first()
            self.rows[name] = found or model._default_manager.create(**self._values(model))
        return self.rows[name]

    def _values(self, model: type[models.Model]) -> dict[str, Any]:
        values: dict[str, Any] = dict(STATED.get(model._meta.model_name or "", {}))
        for field in model._meta.concrete_fields:
            if (
                field.name in values
                or field.primary_key
                or field.has_default()
                or getattr(field, "auto_now_add", False)
            ):
                continue
            if isinstance(field, models.ForeignKey):
                target = field.related_model
                if target is User:
                    values[field.name] = self.users["owner"]
                elif not field.null or target in (Project, Run):
                    values[field.name] = self.row_of(target)
            elif not field.null and not field.blank and not getattr(field, "auto_now", False):
                values[field.name] = _placeholder(field)
        return values


def _placeholder(field: Any) -> Any:
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BinaryField):
        return b""
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.CharField | models.TextField):
        return "0" * 64 if field.max_length == 64 else "x"
    return 1
