"""Models: registering runs, stages, aliases, the history, and who may do what."""

import pytest
from django.core.exceptions import ValidationError

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from mer_platform.registry import stages
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import queue_missing_facts, resolve
from mer_platform.scoring.services import WantedClip, start_batch
from models_ml.config import RunConfig, SweepConfig
from models_ml.registry.limits import LIMITS_VERSION
from tests.api.finished_runs import finished
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/models/"
WORDS = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
TRUE = [0, 1, 2] * 2


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, true in enumerate(TRUE):
        clip = make_clip(f"clip{number}", f"s{number // 3}")
        Consensus.objects.create(
            clip=clip, onset=1, apex=5, offset=9, emotion=list(WORDS)[true], origin="adopted"
        )
    return freeze(project, "Six", [database], {database.name: WORDS}, alice)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, TRUE, alice)


@pytest.fixture
def model(run) -> ModelVersion:
    return model_of(run)


@pytest.fixture
def other(version, alice) -> ModelVersion:
    return model_of(finished(version, [0] * 6, alice, seed=1), "models/cd/n.safetensors")


def staged(api, model, stage, reason="because"):
    return api.post(f"{URL}{model.pk}/stage/", {"stage": stage, "reason": reason})


def test_a_finished_run_becomes_a_candidate_with_a_name_and_a_reason(api, run, model):
    answer = api.post(URL, {"run": run.pk, "name": "Best of May", "reason": "highest UF1"})
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert (found["name"], found["stage"], found["state"], found["aliases"]) == (
        "Best of May",
        "candidate",
        "ready",
        [],
    )
    assert found["version_hash"] == run.version.content_hash
    assert (found["scores"]["uf1"], found["scores"]["per_database"]["CASME II"]["uf1"]) == (1, 1)
    assert found["history"][0]["reason"] == "highest UF1"
    assert found["history"][0]["by"] == "alice"
    assert found["url"].endswith(f"/models/{model.pk}/")


def test_a_run_of_an_experiment_is_trained_first(api, version, alice):
    sweep = SweepConfig.model_validate({"seeds": [1, 2], "base": {}})
    run = services.launch_experiment(version, sweep, alice).runs.first()
    refused = api.post(URL, {"run": run.pk})
    assert (refused.status_code, "Wait until it is finished" in refused.json()["detail"]) == (409, True)
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    answer = api.post(URL, {"run": run.pk, "name": "Trained first"})
    assert answer.status_code == 202
    assert (answer.json()["state"], answer["Retry-After"]) == ("training", "2")
    assert isinstance(answer.json()["progress"], dict)
    assert Job.objects.filter(kind="model", state=Job.State.QUEUED).count() == 1
    assert Run.objects.get(pk=run.pk).ready_model is None
    address = f"{URL}{answer.json()['id']}/"
    assert staged(api, ModelVersion.objects.get(), "production").status_code == 409
    services.cancel(run, alice)
    failed = api.get(address).json()
    assert (failed["state"], "Register the run again" in failed["error"]) == ("failed", True)
    assert api.post(URL, {"run": run.pk}).status_code == 202
    run.refresh_from_db()
    model_of(run)
    assert (api.get(address).json()["state"], api.get(address).json()["name"]) == ("ready", "Trained first")


def test_one_model_is_in_production_and_the_history_says_who_and_why(api, project, model, other):
    assert staged(api, model, "production", "first").json()["aliases"] == ["production"]
    assert resolve(project, "@production") == model
    assert staged(api, other, "production", "better").status_code == 200
    assert resolve(project, "@production") == other
    first = api.get(f"{URL}{model.pk}/").json()
    assert first["stage"] == "candidate"
    line = first["history"][0]
    assert (line["before"], line["after"], line["by"]) == ("production", "candidate", "alice")
    assert line["reason"].endswith("took its place: better")
    staged(api, other, "production", "again")
    assert len(api.get(f"{URL}{other.pk}/").json()["history"]) == 1
    assert [row["id"] for row in api.get(f"{URL}?stage=production").json()["results"]] == [other.pk]


def test_an_archived_model_is_not_offered_and_can_come_back(api, project, model, clip):
    staged(api, model, "archived", "superseded")
    assert not ModelVersion.objects.filter(project=project).offered().exists()
    answer = api.post("/api/v1/scoring-batches/", {"model": model.pk, "clips": [clip.pk]})
    assert (answer.status_code, "archived" in answer.content.decode()) == (400, True)
    assert staged(api, model, "candidate", "needed again").json()["stage"] == "candidate"
    assert ModelVersion.objects.filter(project=project).offered().get() == model
    Run.objects.update(archived_at="2026-01-01T00:00:00Z")
    assert not ModelVersion.objects.filter(project=project).offered().exists()


def test_aliases_point_to_one_model_and_move(api, project, model, other):
    assert api.put(f"{URL}{model.pk}/aliases/best-of.2026/", {}).json()["aliases"] == ["best-of.2026"]
    assert resolve(project, "@best-of.2026") == model
    api.put(f"{URL}{other.pk}/aliases/best-of.2026/", {"reason": "newer"})
    assert resolve(project, "@best-of.2026") == other
    lost = api.get(f"{URL}{model.pk}/").json()
    assert (lost["aliases"], lost["history"][0]["before"]) == ([], "@best-of.2026")
    assert api.delete(f"{URL}{model.pk}/aliases/best-of.2026/").status_code == 409
    assert api.delete(f"{URL}{other.pk}/aliases/best-of.2026/").status_code == 204
    with pytest.raises(ValidationError, match="has the alias @best-of"):
        resolve(project, "@best-of.2026")


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ("production", "follows the stage"),
        ("Best", "lower-case"),
        ("1st", "starts with a letter"),
        ("a" * 41, "40"),
    ],
)
def test_aliases_that_cannot_be(api, model, alias, words):
    answer = api.put(f"{URL}{model.pk}/aliases/{alias}/", {})
    assert (answer.status_code, words in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("name", ["x", "-1", "1.5", "@", "@production", "@none", 99])
def test_names_that_no_model_has(project, model, name):
    with pytest.raises(ValidationError):
        resolve(project, name)


def test_models_of_other_projects_do_not_resolve(other_project, model):
    with pytest.raises(ValidationError, match="not found"):
        resolve(other_project, model.pk)


def test_the_written_parts_of_a_card_are_kept_apart_and_recorded(api, model):
    notes = {"intended_use": "Research.", "licences": {"CASME II": "Licence agreement of 2019"}}
    changed = api.patch(f"{URL}{model.pk}/", {"name": "New name", "notes": notes}, format="json")
    assert changed.status_code == 200, changed.json()
    assert changed.json()["name"] == "New name"
    model.refresh_from_db()
    assert model.notes == notes
    kinds = [line["kind"] for line in changed.json()["history"]]
    assert kinds == ["edited", "renamed"]
    api.patch(f"{URL}{model.pk}/", {"notes": {"ethics": "Ask first."}}, format="json")
    model.refresh_from_db()
    assert set(model.notes) == {"intended_use", "licences", "ethics"}


@pytest.mark.parametrize(
    "body",
    [{"stage": "live", "reason": "x"}, {"stage": "production"}, {"stage": "production", "reason": " "}],
)
def test_stages_need_a_known_name_and_a_reason(api, model, body):
    assert api.post(f"{URL}{model.pk}/stage/", body).status_code == 400


def test_only_researchers_change_models_and_strangers_see_none(api, bobs_api, project, member, run, model):
    viewer = member(project, "vera", Role.VIEWER)
    assert viewer.get(f"{URL}{model.pk}/").status_code == 200
    assert viewer.get(f"{URL}{model.pk}/deletion/").status_code == 403
    for client, code in ((viewer, 403), (bobs_api, 404)):
        assert client.patch(f"{URL}{model.pk}/", {"name": "x"}).status_code == code
        assert staged(client, model, "archived").status_code == code
        assert client.put(f"{URL}{model.pk}/aliases/a/", {}).status_code == code
        assert client.delete(f"{URL}{model.pk}/").status_code == code
    assert viewer.post(URL, {"run": run.pk}).status_code == 403
    assert bobs_api.post(URL, {"run": run.pk}).status_code == 400
    assert bobs_api.get(URL).json()["results"] == []


def test_scores_are_hidden_from_someone_who_still_codes_a_clip(api, alice, run, model):
    Assignment.objects.create(clip=run.version.samples.first().clip, coder=alice)
    for found in (api.get(f"{URL}{model.pk}/").json(), api.get(URL).json()["results"][0]):
        assert found["scores"] is None
        assert "coded blind" in found["scores_hidden"]


def test_a_model_that_a_batch_needs_cannot_vanish(api, alice, model, other, clip):
    batch = start_batch(model, [WantedClip(clip, 3, 7)], alice)
    preview = api.get(f"{URL}{model.pk}/deletion/").json()
    assert (preview["possible"], preview["batches"]) == (False, 1)
    refused = api.delete(f"{URL}{model.pk}/")
    assert (refused.status_code, f"scored the clips of {batch}" in refused.json()["detail"]) == (409, True)
    staged(api, other, "production")
    assert "in production" in api.delete(f"{URL}{other.pk}/").json()["detail"]
    staged(api, other, "archived")
    assert api.get(f"{URL}{other.pk}/deletion/").json()["possible"] is True
    assert api.delete(f"{URL}{other.pk}/").status_code == 204
    assert list(ModelVersion.objects.all()) == [model]
    assert Run.objects.count() == 2


@pytest.mark.parametrize("kind", ["models", "runs", "experiments", "composite-versions"])
def test_no_deletion_takes_a_model_that_a_batch_needs(api, alice, model, clip, kind):
    start_batch(model, [WantedClip(clip, 3, 7)], alice)
    run = model.run
    pk = {
        "models": model.pk,
        "runs": run.pk,
        "experiments": run.experiment_id,
        "composite-versions": run.version_id,
    }
    address = f"/api/v1/{kind}/{pk[kind]}/"
    preview = api.get(f"{address}deletion/").json()
    assert (preview["possible"], "Cannot delete" in preview["reason"]) == (False, True)
    refused = api.delete(address)
    assert (refused.status_code, refused.json()["detail"]) == (409, preview["reason"])
    assert list(ModelVersion.objects.all()) == [model]


def test_the_deletion_of_a_project_says_that_its_models_and_batches_go(api, alice, project, model, clip):
    start_batch(model, [WantedClip(clip, 3, 7)], alice)
    rows = api.get(f"/api/v1/projects/{project.pk}/deletion/").json()["rows"]
    assert (rows["models"], rows["scoring_batches"], rows["scores"]) == (1, 1, 1)


def test_a_batch_of_a_model_that_was_just_deleted_is_refused(alice, model, clip):
    seen = ModelVersion.objects.get(pk=model.pk)
    ModelVersion.objects.all().delete()
    with pytest.raises(ValidationError, match="was deleted in the meantime"):
        start_batch(seen, [WantedClip(clip, 3, 7)], alice)


def test_upkeep_completes_models_of_earlier_releases_once(project, model, other):
    ModelVersion.objects.filter(pk=other.pk).update(limits={"version": LIMITS_VERSION})
    imported = {"project": project, "name": "theirs", "config": model.config, "classes": model.classes}
    ModelVersion.objects.create(file="models/ef/i.safetensors", **imported)
    for _ in range(2):
        queue_missing_facts()
    job = Job.objects.get(kind="model-facts")
    assert (job.payload, job.group) == ({"model": model.pk}, f"model-export:{model.pk}")
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
    queue_missing_facts()
    assert Job.objects.filter(kind="model-facts").count() == 1


def test_lists_take_as_many_queries_for_many_models(api, version, alice, django_assert_max_num_queries):
    for seed in range(2):
        model_of(finished(version, TRUE, alice, seed=seed), f"models/ab/{seed}.safetensors")
    api.get(URL)
    with django_assert_max_num_queries(12):
        assert len(api.get(URL).json()["results"]) == 2


def test_an_external_run_is_no_model(api, run, model):
    Run.objects.update(config=None)
    ModelVersion.objects.all().delete()
    answer = api.post(URL, {"run": run.pk})
    assert (answer.status_code, "not part of the platform" in answer.json()["detail"]) == (409, True)


def test_a_run_that_is_registered_twice_at_once_is_one_model(run, alice):
    assert stages.register(run, alice)[0].pk == stages.register(run, alice)[0].pk
    assert RunConfig.from_stored(ModelVersion.objects.get().config) == run.settings


def test_a_licence_of_a_database_that_the_model_does_not_know_is_refused(api, model):
    body = {"name": "New", "notes": {"licences": {"SMIC": "EULA"}}}
    answer = api.patch(f"{URL}{model.pk}/", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/notes/licences/SMIC")
    assert "Its databases: “CASME II”." in answer.content.decode()
    model.refresh_from_db()
    assert (model.notes, model.name == "New") == ({}, False)
