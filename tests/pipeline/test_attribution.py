"""Attribution by the networks of folds: of samples that they have not seen, in pieces, once."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from mer_platform.deletion import services as deletion
from mer_platform.deletion.models import Removal
from mer_platform.deletion.run_services import delete_runs
from mer_platform.experiments import services as experiments
from mer_platform.experiments.attribution import services
from mer_platform.experiments.models import Attribution, AttributionPiece, FoldWeights, Run
from mer_platform.jobs.models import Job
from mer_platform.storage import stored_names
from models_ml.attribution.config import AttributionConfig
from models_ml.attribution.results import Attributions
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.errors import InputError
from models_ml.training.folds import plan
from tests.pictures import freeze_pictures
from workers import attribution, runner
from workers.fold_weights import network_of
from workers.training_data import run_data

pytestmark = pytest.mark.services_in_faults
CONFIG = {"net": {"name": "ststnet"}, "train": {"epochs": 8}}
OCCLUSION = AttributionConfig()
GRADIENTS = AttributionConfig(method="gradients")


@pytest.fixture
def version(transactional_db, project, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"  # a storage of its own: these tests list all files
    return freeze_pictures(project)


@pytest.fixture
def finished(version, alice, work):
    def launch(keep="yes", **config) -> Run:
        run = experiments.launch(version, RunConfig.model_validate({**CONFIG, **config}), alice, "", keep)
        work()
        run.refresh_from_db()
        assert run.state == Run.State.FINISHED
        return run

    return launch


@pytest.fixture
def run(finished) -> Run:
    return finished()


def result(found: Attribution) -> Attributions:
    found.refresh_from_db()
    assert (found.state, found.error) == ("done", "")
    with default_storage.open(found.file) as file:
        return Attributions.from_bytes(file.read())


@pytest.mark.parametrize("config", [OCCLUSION, GRADIENTS], ids=["occlusion", "gradients"])
@pytest.mark.parametrize(
    "changed", [{}, {"ensemble": 2}, {"protocol": "lodo"}, {"protocol": "kfold", "folds": 3}], ids=str
)
def test_each_sample_is_explained_by_the_network_that_has_not_seen_its_subject(
    finished, alice, work, config, changed
):
    """Each map is computed again with the network of the fold in which the protocol holds the sample out."""
    run = finished(**changed)
    found, queued = services.request(run, config, alice)
    assert queued
    work()
    content = result(found)
    samples, data = run_data(run)
    assert sorted(set(content.samples.tolist())) == list(range(24))
    specs = plan(run.settings, data.subjects, [sample.database for sample in samples])
    folds = list(run.folds.order_by("index"))
    for spec, fold in zip(specs, folds, strict=True):
        network = network_of(fold).network
        index = spec.test[0]
        assert not {data.subjects[index]} & {data.subjects[i] for i in spec.train}
        for row in content.rows_of(index):
            target = int(content.targets[row])
            if config.method == "gradients":
                values, _ = attribution.integrated_gradients(network, data.features[index], [target], 32)
                expected = values[0]
            else:
                expected = attribution.occlusion(network, data.features[index], [target], *config.pixels(28))[
                    0, :3
                ]
            np.testing.assert_allclose(content.maps[row, :3], expected, atol=2e-3)


def test_the_sums_of_a_file_are_the_predicted_probabilities(run, alice, work):
    """Completeness from end to end: sum = stored probability − probability of a face without motion."""
    found, _ = services.request(run, GRADIENTS, alice)
    work()
    content = result(found)
    for prediction in run.predictions.select_related("sample", "fold"):
        still = network_of(prediction.fold).predict(np.zeros((1, 3, 28, 28), np.float32))[0]
        rows = content.rows_of(prediction.sample.index)
        explained = {CLASSES[content.targets[row]] for row in rows}
        assert explained == {prediction.predicted, prediction.sample.label}
        for row in rows:
            k = int(content.targets[row])
            total = content.maps[row, :3].astype(float).sum()
            assert total == pytest.approx(prediction.probabilities[k] - still[k], abs=0.015)
    summary = services.summary_of(found)
    assert summary.largest_gap <= 0.01
    assert {mean.database for mean in summary.means} == {"", "CASME II", "SMIC", "SAMM"}
    assert [mean.samples for mean in summary.means if (mean.target, mean.database) == ("true", "")] == [
        12,
        6,
        6,
    ]


def test_the_same_request_is_computed_once(run, alice, work):
    first, queued = services.request(run, OCCLUSION, alice)
    again, queued_again = services.request(
        run, AttributionConfig(steps=64), alice
    )  # steps are not of occlusion
    assert (queued, queued_again, first.pk) == (True, False, again.pk)
    work()
    assert services.request(run, OCCLUSION, alice)[1] is False
    assert Job.objects.filter(kind="attribution").count() == 1
    assert services.request(run, AttributionConfig(patch=0.3), alice)[1] is True


def test_a_worker_that_takes_over_does_not_repeat_pieces(run, alice, work, monkeypatch):
    found, _ = services.request(run, OCCLUSION, alice)
    real, computed = attribution.occlusion, []

    def killed(*args):
        if len(computed) == 9:
            raise KeyboardInterrupt
        computed.append(1)
        return real(*args)

    monkeypatch.setattr(attribution, "occlusion", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.take_next("training")
    assert AttributionPiece.objects.count() == 2  # two folds of four samples
    Job.objects.filter(kind="attribution").update(lease_until=timezone.now() - timedelta(hours=1))
    computed.clear()
    monkeypatch.setattr(attribution, "occlusion", lambda *args: computed.append(1) or real(*args))
    runner.take_next("training")
    assert len(computed) == 16
    assert len(set(result(found).samples.tolist())) == 24
    assert not AttributionPiece.objects.exists()
    assert found.progress() == {"samples_done": 24, "samples_total": 24, "started": True}
    assert set(stored_names("attributions")) == {found.file}
    assert not Removal.objects.exists()


def test_it_is_cancelled_within_a_sample_and_continues_on_request(run, alice, work, monkeypatch):
    found, _ = services.request(run, OCCLUSION, alice)
    real, computed = attribution.occlusion, []

    def cancelling(*args):
        computed.append(1)
        if len(computed) == 6:
            assert services.cancel(found, alice)
        return real(*args)

    monkeypatch.setattr(attribution, "occlusion", cancelling)
    work()
    found.refresh_from_db()
    assert found.state == Attribution.State.CANCELLED
    assert not list(stored_names("attributions"))
    assert not services.cancel(found, alice)
    assert services.request(run, OCCLUSION, alice) == (found, True)
    kept = AttributionPiece.objects.count()
    assert kept
    computed.clear()
    monkeypatch.setattr(attribution, "occlusion", lambda *args: computed.append(1) or real(*args))
    work()
    assert len(computed) == 24 - 4 * kept
    result(found)


def test_deleting_the_run_ends_the_job_and_leaves_no_file(run, alice, work, monkeypatch):
    found, _ = services.request(run, OCCLUSION, alice)
    real = attribution.summarise

    def deleting(*args, **others):
        Attribution.objects.filter(pk=found.pk).delete()
        return real(*args, **others)

    monkeypatch.setattr(attribution, "summarise", deleting)
    work()
    assert Job.objects.get(kind="attribution").state == Job.State.CANCELLED
    Removal.objects.update(not_before=timezone.now())
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()
    assert not list(stored_names("attributions"))


def test_networks_removed_before_the_job_starts_fail_it_with_a_sentence(run, alice, work):
    found, _ = services.request(run, OCCLUSION, alice)
    run.folds.last().weights.delete()
    work()
    found.refresh_from_db()
    assert found.state == Attribution.State.FAILED
    assert f"The network of fold {run.folds.last().name} is not kept" in found.error
    with pytest.raises(InputError, match="Of 6 networks, 5 are kept"):
        services.request(run, OCCLUSION, alice)


def test_a_fitted_network_is_occluded_but_has_no_gradients(finished, alice, work):
    run = finished(net={"name": "hoof_svm"})
    found, _ = services.request(run, OCCLUSION, alice)
    work()
    assert np.abs(result(found).maps).max() > 0
    with pytest.raises(InputError, match=r"is fitted and has no gradients to integrate. Choose occlusion"):
        services.request(run, GRADIENTS, alice)


def test_a_network_that_ignores_its_input_gives_no_shares(finished, alice, work):
    run = finished(net={"name": "majority"})
    found, _ = services.request(run, OCCLUSION, alice)
    work()
    assert not result(found).maps.any()
    assert services.summary_of(found).regions == ()


def test_runs_without_networks_say_why(finished, alice):
    run = finished(keep="no")
    with pytest.raises(
        InputError, match=r"The networks of its folds are not kept \(not asked for\). Launch the run again"
    ):
        services.request(run, OCCLUSION, alice)
    Run.objects.filter(pk=run.pk).update(state=Run.State.TRAINING)
    with pytest.raises(
        InputError, match=r"The run is training\. Attribution needs the predictions of all folds"
    ):
        services.request(Run.objects.get(pk=run.pk), OCCLUSION, alice)


def test_deleting_a_project_removes_the_files_of_attributions(run, alice, work, project, monkeypatch):
    found, _ = services.request(run, OCCLUSION, alice)
    work()
    assert result(found)
    deletion.delete(project, alice)
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()
    assert not list(stored_names("attributions"))
    assert not Attribution.objects.exists()


def test_deleting_a_run_removes_its_networks_and_attributions_and_no_others(
    finished, alice, work, monkeypatch
):
    run, other = finished(), finished(seed=1)
    for each in (run, other):
        services.request(each, OCCLUSION, alice)
    work()
    services.request(run, GRADIENTS, alice)  # still waits for a worker
    delete_runs([run], alice)
    work()
    Removal.objects.update(not_before=timezone.now())
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()
    kept = {weights.file for weights in FoldWeights.objects.all()}
    assert len(kept) == 6
    assert set(stored_names("fold-weights")) == kept
    assert set(stored_names("attributions")) == {other.attributions.get().file}
    assert not Job.objects.filter(kind="attribution", state__in=Job.OPEN).exists()
