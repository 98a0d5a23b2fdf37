"""Imports that an earlier version checked can still be shown and confirmed; their changes are no longer proposed."""

from importlib import import_module

import pytest

from mer_platform.annotation.exchange import services
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Consensus
from tests.api.exchange_lab import *  # noqa: F403

pytestmark = [pytest.mark.django_db]
complete = import_module("mer_platform.annotation.exchange.migrations.0003_choices_and_undo").complete


def test_an_import_of_an_earlier_version_is_completed(api, project, ours, alice, samm_clip):
    place = {"clip": samm_clip.pk, "clip_name": str(samm_clip), "row": 2}
    fields = {
        "onset": 50,
        "apex": 60,
        "offset": 70,
        "emotion": "disgust",
        "action_units": "",
        "kind": "micro",
    }
    coded = {**place, "coder": alice.pk, "coder_name": "alice", "file": "old.csv", "older": False}
    seen = [[ours.pk, ours.revision]]
    new = {
        "action": "add",
        "annotation": None,
        "revision": None,
        "seen": seen,
        "fields": fields,
        "changed": {},
    }
    old = {
        "action": "change", "annotation": ours.pk, "revision": 1, "seen": [], "fields": {"offset": 31},
        "changed": {"offset": [30, 31]},
    }  # fmt: skip
    decision = {
        "origin": "adopted",
        "annotation": None,
        "decided_by": "alice",
        "decided_at": "2026-01-02T03:04:05Z",
    }
    entries = [{**coded, **new}, {**coded, **old}]
    consensus = [{**place, "fields": fields, **decision}]
    for number, entry in enumerate([*entries, *consensus]):
        complete(entry, number, number >= len(entries), False)
    batch = AnnotationImport.objects.create(
        project=project, file_name="old.csv", sha256="0" * 64, entries=entries, consensus=consensus
    )
    assert api.get(f"/api/v1/annotation-imports/{batch.pk}/").json()["counts"]["kept"] == 1
    outcome = services.confirm(batch, alice)
    assert (outcome.added, outcome.changed, outcome.consensus, outcome.conflicts) == (1, 0, 1, [])
    ours.refresh_from_db()
    assert (ours.offset, Annotation.objects.count()) == (30, 2)
    assert Consensus.objects.get().decided_at.isoformat() == "2026-01-02T03:04:05+00:00"
