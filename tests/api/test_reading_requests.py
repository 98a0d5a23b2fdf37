"""GET of each address: what it may start, and what it shows of rows whose lists are empty."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from tests.api.access_lab import Lab
from tests.api.test_access_matrix import LINES, ROUTES, Matrix, Rules

pytestmark = pytest.mark.django_db
QUEUES = re.compile(r'\s*INSERT INTO "jobs_job"')
# The addresses whose GET queues work. Each refuses viewers, and stops at a number of jobs.
QUEUING = {"clip-flow"}


def with_empty_lists() -> Lab:
    """Return a project whose rows have ended, with an empty list in each column that holds one."""
    lab = Lab()
    for model in (ImportItem, ImportProblem):
        lab.row_of(model)
    Import.objects.update(state=Import.State.FINISHED)
    AnnotationImport.objects.update(state=AnnotationImport.State.DONE)
    for model in apps.get_models():
        lists = [
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, models.JSONField) and field.default is list
        ]
        if lists and model.__module__.startswith("mer_platform."):
            model._default_manager.update(**{name: [] for name in lists})
    return lab


def test_reading_shows_rows_with_empty_lists_and_queues_work_only_for_annotators():
    matrix = Matrix(with_empty_lists())
    failing, queuing = [], set()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if QUEUES.match(sql):
            queuing.add(name)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for route in ROUTES:
            name, rules = route.name, Rules(LINES[route.name])
            if "GET" not in route.methods:
                continue
            answer, _ = matrix.send(route, rules, "GET", "owner")
            if answer.status_code >= 500:
                failing.append(f"{name}: {getattr(answer, 'exc_info', (None, '?'))[1]!r}")
    assert not failing, "\n".join(failing)
    assert queuing == QUEUING
    for name in QUEUING:
        assert Rules(LINES[name]).levels["GET"].rstrip("?") in ("annotator", "researcher", "owner"), name
