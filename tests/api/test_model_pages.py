"""The pages and the card of models."""

import io
import json

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion
from models_ml.registry.limits import limits_of
from tests.api.test_registry import model, run, version  # noqa: F401

pytestmark = [pytest.mark.django_db]
URL = "/api/v1/models/"


@pytest.fixture
def page(client, alice, project):
    client.force_login(alice)

    def get(name: str, *args, status: int = 200, data: dict | None = None) -> str:
        address = reverse(name, args=[project.slug, *args])
        answer = client.get(address) if data is None else client.post(address, data, follow=True)
        assert answer.status_code == status, answer.content.decode()
        return answer.content.decode()

    return get


def test_the_list_is_empty_and_then_shows_models_with_intervals_and_aliases(page, api, request):
    assert "No models yet" in page("models")
    found = request.getfixturevalue("model")
    api.put(f"{URL}{found.pk}/aliases/best/", {})
    shown = page("models")
    assert "@best" in shown
    assert "1.000" in shown
    api.post(f"{URL}{found.pk}/stage/", {"stage": "archived", "reason": "old"})
    assert "1 archived model not shown" in page("models")


def test_the_page_of_a_model_moves_it_and_shows_why(page, model):  # noqa: F811
    assert "not stated" in page("model", model.pk)
    assert "Give a reason" in page("model-stage", model.pk, data={"stage": "production", "reason": " "})
    moved = page("model-stage", model.pk, data={"stage": "production", "reason": "best of May"})
    assert "best of May" in moved
    assert "@production" in moved
    assert "lower-case" in page("model-alias", model.pk, data={"alias": "Best"})
    assert "@best" in page("model-alias", model.pk, data={"alias": "@best"})
    assert "in production" in page("model-delete", model.pk)
    page("model-stage", model.pk, data={"stage": "archived", "reason": "old"})
    assert "deleted" in page("model-delete", model.pk, data={})
    assert not ModelVersion.objects.exists()


def test_what_people_write_stands_apart_from_facts(page, api, model):  # noqa: F811
    page(
        "model-edit",
        model.pk,
        data={"name": "<b>Mine</b>", "intended_use": "Research\n# not a title", "licence_0": "EULA 2019"},
    )
    card = api.get(f"{URL}{model.pk}/card/").json()
    assert card["written"]["intended_use"].startswith("Research")
    assert card["licences"]["databases"] == {"CASME II": "EULA 2019"}
    assert card["model"]["sha256"] == model.sha256
    text = api.get(f"{URL}{model.pk}/files/card.md").content.decode()
    assert "> # not a title" in text
    assert text.startswith("# \\<b\\>Mine")
    assert "EULA 2019" in page("model", model.pk)


def test_the_card_states_facts_of_the_run(api, model):  # noqa: F811
    model.limits = limits_of([200.0] * 6, [100.0] * 6, [1.0] * 6)
    model.temperature = 1.25
    model.save()
    card = api.get(f"{URL}{model.pk}/card/").json()
    results = api.get(f"/api/v1/runs/{model.run_id}/").json()["results"]
    assert card["scores"]["uf1"] == results["uf1"]
    assert card["scores"]["intervals_95"]["uf1"] == results["intervals_95"]["uf1"]
    assert card["details"]["confusion"] == results["confusion"]
    assert card["data"]["content_hash"] == model.version.content_hash
    assert card["data"]["samples"] == 6
    assert card["cost"]["parameters"] > 0
    assert card["licences"]["databases"] == {"CASME II": "not stated"}
    assert "dlib" in card["licences"]["landmarks"]["model"]
    assert json.loads(api.get(f"{URL}{model.pk}/files/card.json").content)["scores"] == card["scores"]
    text = api.get(f"{URL}{model.pk}/files/card.md").content.decode()
    for words in (
        "leave one subject out",
        "1.000",
        "Temperature: 1.250",
        "200 to 200",
        "spotter confidence of 0.5",
    ):
        assert words.lower() in text.lower(), words
    config = json.loads(api.get(f"{URL}{model.pk}/files/config.json").content)
    assert (config["temperature"], len(config["trained_on"])) == (1.25, 6)


def test_a_blind_coder_sees_no_scores_on_cards_and_gets_no_package(page, api, alice, model):  # noqa: F811
    Assignment.objects.create(clip=model.version.samples.first().clip, coder=alice)
    card = api.get(f"{URL}{model.pk}/card/").json()
    assert (card["scores"], card["details"]) == (None, {})
    assert card["data"]["samples"] == 5
    text = api.get(f"{URL}{model.pk}/files/card.md").content.decode()
    assert "coded blind" in text
    assert "1.000" not in text
    assert api.get(f"{URL}{model.pk}/files/package.zip").status_code == 403
    for shown in (page("model", model.pk), page("models")):
        assert "1.000" not in shown
    assert "coded blind" in page("model", model.pk)


def test_viewers_read_the_card_but_get_no_weights(project, member, model):  # noqa: F811
    viewer = member(project, "vera", Role.VIEWER)
    assert viewer.get(f"{URL}{model.pk}/files/card.md").status_code == 200
    for name in ("model.safetensors", "config.json", "package.zip", "model.onnx"):
        assert viewer.get(f"{URL}{model.pk}/files/{name}").status_code == 403
    assert viewer.post(f"{URL}{model.pk}/export/").status_code == 403
    fields = {"project": project.pk, "file": io.BytesIO(b"x")}
    assert viewer.post(f"{URL}import/", fields, format="multipart").status_code == 403


def test_a_malformed_import_says_where(page, api, project):
    file = io.BytesIO(b"PK\x03\x04" + bytes(30))
    file.name = "x.zip"
    answer = api.post(f"{URL}import/", {"project": project.pk, "file": file}, format="multipart")
    assert answer.status_code == 400
    assert "“x.zip” is damaged" in answer.content.decode()
    file.seek(0)
    assert "is damaged" in page("model-import", data={"file": file}, status=422)
    assert not ModelVersion.objects.exists()


def test_a_run_leads_to_its_model(page, request):
    found = request.getfixturevalue("run")
    assert "Make it a model" in page("run", found.pk)
    page("run-register", found.pk)
    shown = page("run-register", found.pk, data={"name": "First", "reason": "to score"})
    assert "training" in shown
    assert "to score" in shown
