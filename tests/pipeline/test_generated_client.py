"""A generated client does the work of a lab: from a clip to scores, with types instead of free objects."""

import inspect
import sys

import pytest

from mer_platform.projects.models import ApiToken
from tests import generated_client
from tests.api.api_schema import operations
from tests.lab import barcode_clips

LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}


@pytest.fixture(scope="session")
def warnings(tmp_path_factory):
    """Generate the client once. Return what the generator warns of."""
    folder = tmp_path_factory.mktemp("client")
    found = generated_client.generate(folder)
    sys.path.insert(0, str(folder))
    yield found
    sys.path.remove(str(folder))


@pytest.fixture
def client(warnings, live_server, alice):
    _, secret = ApiToken.make(alice, "generated")
    return generated_client.Generated(live_server.url, secret)


def test_the_generator_understands_the_whole_description(warnings):
    assert warnings == ""
    assert generated_client.generated_operations() == {found["operationId"] for _, _, found in operations()}


def test_main_objects_are_typed(warnings):
    models = pytest.importorskip(f"{generated_client.PACKAGE}.models")
    for name, attributes in {
        "Clip": ["id", "state", "frame_count", "face_frames"],
        "Annotation": ["id", "onset", "suggestion", "revision"],
        "AnnotationConflict": ["detail", "code", "current"],
        "Run": ["state", "config", "progress", "results", "model"],
        "ExperimentDetail": ["progress", "runs", "state"],
        "Comparison": ["runs", "against", "disagreements"],
        "CompositeVersion": ["counts", "label_map", "rules"],
    }.items():
        kind = getattr(models, name)
        hints = {field.name: str(field.type) for field in kind.__attrs_attrs__}
        for attribute in attributes:
            assert attribute in hints, (name, attribute)
            assert "Any" not in hints[attribute].split(" "), (name, attribute, hints[attribute])
    assert inspect.isclass(models.RunConfig)


def test_from_upload_to_scores(client, project, database, work, tmp_path):
    models = client.models
    database.emotions = []
    database.save()
    clips = [_uploaded(client, work, database, clip) for clip in barcode_clips(tmp_path)]
    for clip, made in clips:
        spec = made.spec
        body = models.AnnotationRequest(
            clip=clip.id, onset=spec.onset, apex=spec.apex, offset=spec.offset, emotion=spec.emotion
        )
        annotation = client("annotation.annotations_create", body=body)
        assert (annotation.complete, annotation.revision) == (True, 1)
    _edit_twice(client, annotation)

    label_map = models.FreezeRequestLabelMap.from_dict({database.name: LABELS})
    version = client(
        "datasets.composite_versions_create",
        body=models.FreezeRequest(
            project=project.pk, name="Six", databases=[database.pk], label_map=label_map
        ),
    )
    assert version.counts.samples == len(clips)

    config = models.RunConfig.from_dict({"train": {"epochs": 1}, "net": {"name": "majority"}})
    run = client("runs.runs_create", body=models.LaunchRequest(version=version.id, config=config))
    base = models.RunConfig.from_dict({"train": {"epochs": 1}, "net": {"name": "majority"}})
    experiment = client(
        "experiments.experiments_create",
        body=models.LaunchExperimentRequest(version=version.id, name="Two seeds", base=base, seeds=[0, 1]),
    )
    assert experiment.progress.runs_total == 2
    work()
    run = client("runs.runs_retrieve", run.id)
    assert run.state == "finished"
    assert 0 <= run.results.uf1 <= 1
    assert run.results.per_class["negative"].support >= 0
    assert run.progress.folds_done == run.progress.folds_total

    ids = [run.id, *(own.id for own in client("experiments.experiments_retrieve", experiment.id).runs)]
    comparison = client("runs.runs_compare", run=ids)
    assert [compared.id for compared in comparison.runs] == ids
    assert comparison.against[0].paired.uf1.p is not None
    assert client("experiments.experiments_ranking", experiment.id).places[0].uf1 >= 0
    _score(client, work, run.id, clips[0][0])


def _uploaded(client, work, database, made):
    with made.path.open("rb") as file:
        sent = client.File(payload=file, file_name=made.path.name, mime_type="application/octet-stream")
        body = client.models.UploadRequest(
            file=sent, database=database.pk, subject=made.spec.subject, name=made.path.stem, fps=200
        )
        clip = client("clips.clips_create", body=body)
    assert clip.state == "processing"
    work()
    clip = client("clips.clips_retrieve", clip.id)
    assert clip.state == "ready"
    assert client("clips.clips_frames", clip.id).count == clip.frame_count
    return clip, made


def _edit_twice(client, annotation):
    """Change an annotation with the revision that was read, twice: the second time it is stale."""
    change = client.models.PatchedAnnotationRequest(note="Clear.")
    changed = client("annotation.annotations_update", annotation.id, body=change, if_match='"1"')
    assert changed.revision == 2
    refused = client.call("annotation.annotations_update", annotation.id, body=change, if_match='"1"')
    assert refused.status_code in (409, 412)
    assert refused.parsed.current.revision == 2


def _score(client, work, run, clip):
    batch = client(
        "scoring.scoring_batches_create", body=client.models.StartBatchRequest(run=run, clips=[clip.id])
    )
    work()
    batch = client("scoring.scoring_batches_retrieve", batch.id)
    assert batch.state == "done"
    (item,) = client("scoring.scoring_batches_items_list", batch.id).results
    assert (item.clip, item.state) == (clip.id, "done")
    assert item.predicted in item.probabilities.to_dict()
    table = client("scoring.scoring_batches_results_csv", batch.id)
    assert item.predicted.encode() in table
