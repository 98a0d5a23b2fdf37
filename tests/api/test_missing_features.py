"""What an estimate reports about features: which samples need them, and how long that takes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mer_platform.annotation.models import Consensus
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.services import freeze
from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.sweeps.estimate import estimate
from mer_platform.features import missing
from mer_platform.features import services as feature_services
from mer_platform.features.missing import Missing, missing_features
from mer_platform.features.models import FeatureRange, FeatureSet
from mer_platform.jobs.models import Job, Worker
from models_ml.config import FeatureConfig, SweepConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services]
LARGE = FeatureConfig(size=56)
WORDS = {"disgust": "negative", "happiness": "positive"}


@pytest.fixture
def frozen(project, database, make_clip, alice):
    """Freeze a version with more clips than the one before; they are of two subjects."""
    numbers = iter(range(100))

    def freeze_more(clips: int) -> CompositeVersion:
        for number, _ in zip(numbers, range(clips), strict=False):
            clip = make_clip(f"clip{number:02}", f"s{number % 2}")
            emotion = ["disgust", "happiness"][number // 2 % 2]
            Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
        return freeze(project, "Clips", [database], {database.name: WORDS}, alice)

    return freeze_more


@pytest.fixture
def ranges_of_four(monkeypatch):
    monkeypatch.setattr(feature_services, "SAMPLES_PER_JOB", 4)


def missing_in(version: CompositeVersion, *wanted: tuple[FeatureConfig, int]) -> Missing:
    return missing_features(
        version, list(version.samples.order_by("index")), wanted or [(FeatureConfig(), 0)]
    )


def counts(version: CompositeVersion, *wanted: tuple[FeatureConfig, int]) -> tuple[int, int]:
    found = missing_in(version, *wanted)
    return found.samples, found.images


def launched(version: CompositeVersion, alice, **base) -> Experiment:
    return services.launch_experiment(version, SweepConfig(base=base), alice)


def compute(experiment: Experiment, jobs: int | None = None, computed: int = 0) -> None:
    """Finish jobs as a worker does, without the work."""
    for job in Job.objects.filter(group=experiment.group, kind="features").order_by("pk")[:jobs]:
        with steps.finishing_features(Job.claim(job.pk, "host:1"), computed):
            pass


def test_a_new_version_needs_all_features_and_after_its_first_run_none(frozen, alice):
    version = frozen(8)
    assert counts(version) == (8, 8)
    experiment = launched(version, alice)
    assert counts(version) == (8, 8)
    compute(experiment)
    assert missing_in(version) == Missing(0, 0, 0.0, "")


def test_each_configuration_needs_its_own_features(frozen, alice):
    version = frozen(8)
    compute(launched(version, alice))
    assert counts(version, (FeatureConfig(), 0), (LARGE, 0)) == (8, 8)
    assert counts(version, (LARGE, 0), (FeatureConfig(flow="dis"), 0)) == (8, 16)


def test_a_later_version_needs_features_of_added_clips_only(frozen, alice):
    compute(launched(frozen(6), alice))
    assert counts(frozen(2)) == (2, 2)


def test_a_moved_mark_needs_new_features(frozen, alice):
    compute(launched(frozen(4), alice))
    Consensus.objects.filter(clip__name="clip00").update(apex=6)
    assert counts(frozen(0)) == (1, 1)


def test_ranges_finished_before_a_run_failed_count(frozen, alice, ranges_of_four):
    version = frozen(10)
    experiment = launched(version, alice)
    compute(experiment, jobs=1)
    steps.fail_runs(experiment.pk, experiment.runs.all(), "no face")
    assert counts(version) == (6, 6)


def test_apex_jitter_needs_two_more_images_per_sample(frozen, alice):
    version = frozen(4)
    assert counts(version, (FeatureConfig(), 2)) == (4, 12)
    compute(launched(version, alice))
    assert counts(version, (FeatureConfig(), 2)) == (4, 8)
    compute(launched(version, alice, train={"apex_jitter": 2}))
    assert counts(version, (FeatureConfig(), 0), (FeatureConfig(), 2)) == (0, 0)
    assert counts(version, (FeatureConfig(), 1), (FeatureConfig(), 2)) == (4, 8)


def test_features_of_a_feature_set_count_except_failed_samples(frozen):
    version = frozen(4)
    config = FeatureConfig()
    FeatureSet.objects.create(
        version=version,
        config=config.model_dump(mode="json"),
        config_hash=config.content_hash(),
        state=FeatureSet.State.READY,
        problems={"2": "no face"},
    )
    assert counts(version) == (1, 1)


def test_flow_pictures_need_nothing(project):
    assert counts(freeze_pictures(project), (FeatureConfig(), 3)) == (0, 0)


def test_features_of_older_code_do_not_count(frozen, alice):
    version = frozen(4)
    experiment = launched(version, alice)
    compute(experiment)
    steps.fail_runs(experiment.pk, experiment.runs.all(), "diverged")
    Run.objects.update(features_hash="0" * 64)
    FeatureRange.objects.update(config_hash="0" * 64)
    assert services.rerun(experiment.runs.get(), alice)
    assert counts(version) == (4, 4)


def test_their_time_is_guessed_until_it_is_measured(frozen, alice, monkeypatch):
    version = frozen(8)
    guess = missing_in(version, (LARGE, 0))
    assert "rough guess" in guess.basis
    assert guess.seconds == pytest.approx(8 * (missing.READING + missing.FLOW["tvl1"]))
    larger = missing_in(version, (LARGE.model_copy(update={"crop_size": 256}), 0))
    assert larger.seconds == pytest.approx(8 * (missing.READING + 4 * missing.FLOW["tvl1"]))
    experiment = launched(version, alice)
    compute(experiment, computed=20)
    compute(launched(version, alice), computed=0)  # all were cached, so it does not measure the pace
    FeatureRange.objects.update(seconds=60)
    learned = missing_in(version, (LARGE, 0))
    assert learned.seconds == pytest.approx(8 * 3)
    assert "last 20 flow images" in learned.basis


def test_an_estimate_divides_their_time_among_workers(frozen):
    version = frozen(8)
    sweep = SweepConfig(grid={"features.size": [28, 56]}, base={"net": {"name": "ststnet"}})
    alone = estimate(version, sweep)
    assert (alone.features_samples, alone.features_pictures) == (8, 16)
    assert 0 < alone.features_seconds < alone.seconds
    now = timezone.now()
    for number in range(9):
        name = f"host:{number}"
        Worker.objects.create(
            name=name, host="host", pid=number, device="cpu", queues=["features"], last_seen=now
        )
    shared = estimate(version, sweep)
    assert shared.features_seconds == pytest.approx(
        alone.features_seconds / 2
    )  # two jobs, one per configuration
    training = alone.seconds - alone.features_seconds
    assert shared.seconds == pytest.approx(training + shared.features_seconds)


def test_the_number_of_queries_does_not_depend_on_the_number_of_samples(frozen, alice, ranges_of_four):
    def queries(version: CompositeVersion) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert missing_in(version, (FeatureConfig(), 1), (LARGE, 0)).images
        return len(asked)

    compute(launched(frozen(4), alice))
    few, many = frozen(1), frozen(20)
    assert queries(few) == queries(many) <= 5
