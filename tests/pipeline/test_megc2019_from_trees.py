"""The MEGC2019 composite, from the official layouts of three databases to a frozen version."""

import csv
import json
from io import StringIO

import pytest
from django.core.management import call_command

from mer_platform.composites.document import export
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.published import LIST
from mer_platform.imports import services
from mer_platform.imports.models import Import
from models_ml.face.detect import Box
from models_ml.motion.fitting import Spot
from models_ml.video.ingest import ingest
from tests.trees import megc2019_trees


class AlwaysAFace:
    """Finds a face in any image: the trees contain none, and the detector is not tested here."""

    def detect(self, image):
        return Box(0, 0, image.shape[1], image.shape[0])


def ingest_here(path, pack, *, limits, on_progress, **options):
    """Ingest in this process, where the detector can be replaced."""
    with pack.open("r+b") as file:
        return ingest(path, file, on_progress=on_progress, detector=AlwaysAFace(), **options)


@pytest.fixture
def imported(project, alice, work, tmp_path, monkeypatch):
    monkeypatch.setattr("workers.ingest.ingest_contained", ingest_here)
    monkeypatch.setattr("workers.spotting.track_face", lambda path, **_: (None, None))
    monkeypatch.setattr("workers.spotting.find_expressions", lambda *_, **__: [])
    monkeypatch.setattr(
        "workers.spotting.answer",
        lambda course, rate, known, seen: [Spot(a, a + 1, b, 0.9) for a, b in known],
    )
    with LIST.open() as file:
        trees = megc2019_trees(tmp_path, list(csv.DictReader(file)))
    for layout, folder in trees.items():
        source = services.ImportSource(Import.SourceType.FOLDER, str(folder), confined=False)
        batch = services.start(project, layout, source, None, alice)
        work()
        batch.refresh_from_db()
        services.confirm(batch, [], alice)
        work()
        batch.refresh_from_db()
        assert (batch.state, batch.counts()["failed"]) == (Import.State.FINISHED, 0)
    return project


def test_exactly_the_442_samples_of_68_subjects_come_out(imported):
    printed = StringIO()
    call_command("compose", project=imported.slug, label_map="megc2019", json=True, stdout=printed)
    answer = json.loads(printed.getvalue())
    counts = answer["counts"]
    assert (counts["samples"], counts["subjects"]) == (442, 68)
    assert counts["classes"] == {"negative": 250, "positive": 109, "surprise": 83}
    assert {name: row["samples"] for name, row in counts["databases"].items()} == {
        "CASME II": 145,
        "SAMM": 133,
        "SMIC": 164,
    }
    version = CompositeVersion.objects.get(pk=answer["id"])
    assert version.samples.filter(apex_from="spotted").count() == 164  # SMIC codes no apex
    document = json.dumps(export(version))
    assert "/" not in document
    assert "\\" not in document.replace("\\u", "")
    assert len(document) < 250_000
