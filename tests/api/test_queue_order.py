"""Which job a worker claims next: projects take turns, and what someone waits for goes before a backlog."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.annotation.models import Consensus
from mer_platform.clips.layers import FlowLayer
from mer_platform.composites.services import freeze
from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Run
from mer_platform.imports.models import Import
from mer_platform.imports.services import ImportSource, start
from mer_platform.jobs.models import Job
from mer_platform.projects.services import create_project
from models_ml.config import RunConfig

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, emotion in enumerate(["disgust", "happiness", "surprise"] * 3):
        clip = make_clip(f"clip{number}", f"s{number // 3}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    classes = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
    return freeze(project, "Nine", [database], {database.name: classes}, alice)


def backlog(project, queue: str, *keys: str, **fields) -> None:
    for key in keys:
        Job.enqueue("bundle", queue, project.pk, key, f"group:{project.pk}", {}, **fields)


def served(queue: str, count: int) -> list[str]:
    """Claim and finish so many jobs, one after the other, as a single worker does. Return their keys."""
    keys = []
    for _ in range(count):
        claim = Job.claim_next(queue, "host:1")
        keys.append(claim.job.key)
        with claim.commit() as job:
            claim.finish(job)
    return keys


def test_projects_take_turns_at_a_single_worker(project, other_project, alice):
    third = create_project("Third lab", alice)
    backlog(project, "training", "a1", "a2", "a3")
    backlog(other_project, "training", "b1", "b2")
    backlog(third, "training", "c1")
    assert served("training", 6) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_project_that_comes_later_has_the_next_turn(project, other_project):
    backlog(project, "training", "a1", "a2", "a3")
    assert served("training", 1) == ["a1"]
    backlog(other_project, "training", "b1")
    assert served("training", 3) == ["b1", "a2", "a3"]


def test_turns_are_counted_per_queue(project, other_project):
    backlog(project, "features", "a0")
    assert served("features", 1) == ["a0"]
    backlog(project, "training", "a1")
    backlog(other_project, "training", "b1")
    assert served("training", 2) == ["a1", "b1"]


def test_a_project_with_fewer_running_jobs_goes_first_although_it_was_served_last(project, other_project):
    backlog(project, "training", "a1", "a2")
    backlog(other_project, "training", "b1", "b2")
    Job.claim_next("training", "host:1")  # runs on
    assert served("training", 2) == ["b1", "b2"]


def test_a_claim_with_several_projects_reads_one_turn_per_project(
    project, other_project, django_assert_max_num_queries
):
    backlog(project, "training", *(f"a{n}" for n in range(30)))
    backlog(other_project, "training", *(f"b{n}" for n in range(30)))
    served("training", 20)
    with django_assert_max_num_queries(6):
        Job.claim_next("training", "host:1")


def test_the_check_of_an_import_does_not_wait_for_an_import(project, other_project, bob):
    backlog(project, "ingest", "import:1", "import:2")
    backlog(other_project, "ingest", "import:3")
    sheet = SimpleUploadedFile("coding.csv", b"Subject,Filename\n1,EP01\n")
    batch = start(other_project, "manifest", ImportSource(Import.SourceType.FILE), sheet, bob)
    assert served("ingest", 1) == [f"{batch.group}:check"]


def test_the_flow_that_a_coder_looks_at_does_not_wait_for_features(project, clip, alice):
    backlog(project, "features", "features:1")
    layer = FlowLayer(clip, 0, 10)
    layer.request(alice)
    assert served("features", 1) == [layer.key]


def test_the_final_model_goes_before_the_bundles_of_a_later_experiment(project, version, alice):
    first, later = (services.launch(version, RunConfig(seed=seed), alice) for seed in (0, 1))
    backlog(project, later.experiment.queue, "bundle:1", "bundle:2")
    Run.objects.filter(pk=first.pk).update(state=Run.State.TRAINING)
    first.refresh_from_db()
    steps.queue_model(first)
    assert served(later.experiment.queue, 1) == [first.model_job.key]


def test_an_experiment_of_higher_priority_goes_before_a_final_model_of_normal_priority(
    project, version, alice
):
    run = services.launch(version, RunConfig(), alice)
    steps.queue_model(run)
    backlog(project, run.experiment.queue, "urgent", priority=5)
    assert served(run.experiment.queue, 1) == ["urgent"]
