"""The renamed constraints keep the rows and still refuse duplicates."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from mer_platform.annotation.models import Annotation, Assignment, Suggestion
from mer_platform.clips.models import Clip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.campaign]
BEFORE = [("annotation", "0004_judgement"), ("clips", "0002_clip_fingerprint")]


@pytest.fixture
def migrate():
    """Migrate to a state, by default the latest; the test ends at the latest one."""

    def to(targets=None):
        executor = MigrationExecutor(connection)
        executor.migrate(targets or executor.loader.graph.leaf_nodes())

    yield to
    to()


def test_renamed_constraints_keep_rows_and_refuse_duplicates(clip, alice, migrate):
    migrate(BEFORE)
    annotation = Annotation.objects.create(clip=clip, coder=alice, onset=1)
    annotation.keep_version(alice, "labeler")
    before = MigrationExecutor(connection).loader.project_state(BEFORE).apps
    before.get_model("annotation", "Assignment").objects.create(clip_id=clip.pk, coder_id=alice.pk)
    Suggestion.objects.create(clip=clip, onset=1, apex=2, offset=3, confidence=0.5, spotter="2")
    migrate()

    def add(**fields):
        Clip.objects.create(project=clip.project, subject=clip.subject, size=1, **fields)

    assert (Annotation.objects.get().onset, Assignment.objects.get().coder) == (1, alice)
    for twice in (
        lambda: add(name=clip.name, sha256="0" * 64),
        lambda: add(name="the same bytes", sha256=clip.sha256),
        lambda: clip.project.databases.create(name=clip.database.name),
        lambda: clip.database.subjects.create(name=clip.subject.name),
        lambda: annotation.keep_version(alice, "labeler"),
        lambda: Assignment.objects.create(clip=clip, coder=alice),
        lambda: Suggestion.objects.create(clip=clip, onset=1, apex=2, offset=3, confidence=0.5, spotter="2"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            twice()
