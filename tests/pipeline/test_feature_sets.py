"""Features of a version without a run, with the workers' own code: computed once, drawn and compared."""

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, FlowPicture, Subject
from mer_platform.composites.models import Composite, CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.features.models import FeatureRange, FeatureSet
from models_ml.config import FeatureConfig
from models_ml.face.detect import FaceDetector
from models_ml.motion import clips as clips_module
from tests.lab import barcode_clips
from workers.feature_cache import FramePair, load_samples, sample_features

pytestmark = pytest.mark.services_in_faults
CONFIG = {"flow": "dis"}


@pytest.fixture
def version(api, project, database, work, tmp_path, alice) -> CompositeVersion:
    """Four clips of two subjects; the first clip has two expressions."""
    database.emotions = []
    database.save()
    for made in barcode_clips(tmp_path, clips_per_subject=2):
        with made.path.open("rb") as file:
            fields = {"file": file, "database": database.pk, "subject": made.spec.subject, "fps": 200}
            clip = Clip.objects.get(pk=api.post("/api/v1/clips/", fields, format="multipart").json()["id"])
        marks = {"onset": made.spec.onset, "apex": made.spec.apex, "offset": made.spec.offset}
        Consensus.objects.create(clip=clip, emotion="happiness", origin="imported", **marks)
    first = Clip.objects.order_by("pk").first()
    Consensus.objects.create(clip=first, emotion="happiness", origin="imported", onset=0, apex=3, offset=9)
    work()
    return freeze(project, "Lab", [database], {database.name: {"happiness": "positive"}}, alice)


@pytest.fixture
def compute(api, work):
    def run(version: CompositeVersion, **config) -> dict:
        base = f"/api/v1/composite-versions/{version.pk}/features/"
        answer = api.post(base, {"config": {**CONFIG, **config}})
        assert answer.status_code == 202, answer.content
        work()
        return api.get(f"{base}{answer.json()['id']}/").json()

    return run


def shown(features: dict, index: int, part: str) -> np.ndarray:
    name = FeatureSet.objects.get(pk=features["id"]).image_name(index, part)
    with default_storage.open(name) as file:
        return cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_version_gets_its_features_and_their_images(version, compute):
    features = compute(version)
    assert (features["state"], features["problems"]) == ("ready", {})
    assert features["progress"]["done"] == 5
    for index in range(5):
        assert shown(features, index, "onset").shape == (128, 128)
        assert not np.array_equal(shown(features, index, "onset"), shown(features, index, "apex"))
        assert shown(features, index, "flow").shape == (28, 28, 3)
    assert set(FeatureSet.objects.get().summary["measures"]) == {"0", "1", "2", "3", "4"}


def test_a_clip_is_decoded_once_for_all_of_its_expressions(version, compute, monkeypatch):
    opened = []
    whole = clips_module.open_source
    monkeypatch.setattr(clips_module, "open_source", lambda *a, **k: (opened.append(1), whole(*a, **k))[1])
    compute(version)
    assert len(opened) == 4


def test_a_run_uses_the_features_that_were_computed_for_the_page(api, version, compute, work, monkeypatch):
    compute(version)

    def decoded(*_arguments, **_options):
        raise AssertionError("a clip was decoded again")

    monkeypatch.setattr(clips_module, "open_source", decoded)
    config = {"features": CONFIG, "train": {"epochs": 1}, "net": {"kernels": [2, 3]}}
    run = api.post("/api/v1/runs/", {"version": version.pk, "config": config}).json()
    work()
    assert api.get(f"/api/v1/runs/{run['id']}/").json()["state"] == "finished"


def test_an_estimate_counts_the_features_that_a_run_then_computes(api, version, work):
    own = {**CONFIG, "crop_size": 96}  # other tests in this process fill the cache too
    config = {"features": own, "train": {"epochs": 1}, "net": {"kernels": [2, 3]}}

    def missing(**grid) -> tuple[int, int]:
        asked = {"version": version.pk, "base": config, "grid": grid}
        estimate = api.post("/api/v1/experiments/estimate/", asked).json()
        return estimate["features_samples"], estimate["features_pictures"]

    assert missing() == (5, 5)
    api.post("/api/v1/runs/", {"version": version.pk, "config": config})
    work()
    assert missing() == (0, 0)
    assert missing(**{"features.size": [28, 30]}) == (5, 5)
    assert FeatureRange.objects.get().images_computed == 5


def test_a_sample_without_a_face_is_reported_and_does_not_stop_the_others(version, compute, monkeypatch):
    found = iter([True, False, True, True, True])
    detect = FaceDetector.detect
    monkeypatch.setattr(
        FaceDetector, "detect", lambda self, image: detect(self, image) if next(found) else None
    )
    features = compute(version)
    assert features["state"] == "ready"
    ((index, reason),) = features["problems"].items()
    assert "There is no face in frame" in reason
    worst = features["outliers"][0]
    assert (worst["index"], worst["reasons"]) == (int(index), [f"has no features: {reason}"])


def test_flow_pictures_show_their_channels(project, database, compute):
    version = _of_pictures(project, database, 3)
    features = compute(version)
    assert (features["state"], features["problems"]) == ("ready", {})
    assert shown(features, 0, "u").shape == (28, 28, 3)
    with pytest.raises(FileNotFoundError):
        shown(features, 0, "onset")


def test_computing_again_gives_the_same_bits(version, compute):
    samples = list(version.samples.all())
    compute(version, flow="tvl1")
    first = load_samples(samples, FeatureConfig())
    for sample in samples:
        default_storage.delete(FramePair.of(sample).name(FeatureConfig()))
    alone = [sample_features(sample, FeatureConfig()) for sample in reversed(samples)]
    assert np.array_equal(first, np.stack(alone[::-1]))


def _of_pictures(project, database, count: int) -> CompositeVersion:
    composite = Composite.objects.create(project=project, name="Pictures")
    version = CompositeVersion.objects.create(
        composite=composite, number=1, label_map={}, content_hash="c" * 64
    )
    random = np.random.default_rng(1)
    for index in range(count):
        pixels = random.integers(100, 156, (28, 28, 3), dtype=np.uint8)
        name = f"pictures/{index}.png"
        default_storage.save(name, ContentFile(cv2.imencode(".png", pixels)[1].tobytes()))
        subject, _ = Subject.objects.get_or_create(database=database, name=f"s{index % 2}")
        picture = FlowPicture.objects.create(
            subject=subject,
            name=f"p{index}",
            emotion="positive",
            sha256=f"{index:064x}",
            file=name,
            width=28,
            height=28,
        )
        Sample.objects.create(
            version=version, index=index, picture=picture, name=picture.name, content_sha256=picture.sha256,
            database=database.name, subject=subject.name, apex_from="picture", emotion="positive", label="positive",
        )  # fmt: skip
    return version
