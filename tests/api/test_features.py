"""The motion features of a version: request, retry, pages and access. The tests store what a worker would."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from mer_platform.annotation.models import Annotation
from mer_platform.composites.services import freeze
from mer_platform.experiments.services import launch
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import request_features, sample_ranges
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from models_ml.config import FeatureConfig, RunConfig
from tests.api.problems import field_errors

pytestmark = [pytest.mark.services, pytest.mark.django_db]
PNG = b"\x89PNG made by a worker"


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(4):
        clip = make_clip(name=f"EP{number}", subject=f"sub{number % 2}")
        Annotation.objects.create(clip=clip, coder=alice, onset=10, apex=20, offset=30, emotion="happiness")
    return freeze(project, "Lab", [database], {database.name: {"happiness": "positive"}}, alice)


@pytest.fixture
def ready(version, alice) -> FeatureSet:
    features = request_features(version, FeatureConfig(), alice)
    measures = {"magnitude": 0.5, "symmetry": 0.9}
    features.state = FeatureSet.State.READY
    features.problems = {"3": "There is no face in frame 10."}
    features.summary = {
        "scales": {"clip": {"flow": 2.0, "strain": 0.1}},
        "columns": [{"name": name, "title": name.capitalize(), "unit": "px"} for name in measures],
        "measures": {str(k): measures for k in range(3)},
        "outliers": [
            {"index": 3, "score": 1e6, "reasons": ["has no features: There is no face in frame 10."]},
            {"index": 1, "score": 4.2, "reasons": ["moves far more than the others (z = +4.2)"]},
        ],
    }
    features.save()
    for part in ("onset", "apex", "u", "v", "strain", "flow"):
        default_storage.save(features.image_name(1, part), ContentFile(PNG))
    return features


@pytest.fixture
def address(project, version):
    def of(name: str, *arguments: object) -> str:
        return reverse(name, args=[project.slug, version.pk, *arguments])

    return of


@pytest.fixture
def page(client, alice, address):
    client.force_login(alice)
    return lambda name, *arguments, query="", **options: client.get(
        address(name, *arguments) + query, **options
    )


def test_features_are_requested_once_and_in_jobs(client, alice, version, address):
    client.force_login(alice)
    key = FeatureConfig().content_hash()
    assert "Not computed yet" in client.get(address("features")).text
    for _ in range(2):
        answer = client.post(address("features"), {"config": key})
        assert (answer.status_code, answer.url) == (302, f"{address('features')}?config={key}")
    assert Job.objects.filter(kind="feature-set").count() == 1
    assert Job.objects.get(kind="feature-set").payload["samples"] == [0, 4]
    assert "0 of 4 samples" in client.get(address("features")).text


def test_one_job_has_all_samples_of_a_clip(version):
    samples = list(version.samples.all())
    for index, sample in enumerate(samples * 10):
        sample.content_sha256 = "a" if 10 <= index < 30 else str(index)
    many = []
    for index in range(40):
        sample = type(samples[0])(index=index, content_sha256="a" if 10 <= index < 30 else str(index))
        many.append(sample)
    assert sample_ranges(many) == [(0, 30), (30, 40)]
    assert sample_ranges([]) == []


def test_a_failed_set_says_why_and_can_be_computed_again(version, alice, page):
    features = request_features(version, FeatureConfig(), alice)
    FeatureSet.objects.update(state=FeatureSet.State.FAILED, error="The disk is full.")
    assert "The disk is full." in page("features").text
    again = request_features(version, FeatureConfig(), alice)
    assert (again.pk, again.attempt, again.state) == (features.pk, 2, FeatureSet.State.COMPUTING)
    assert Job.objects.filter(kind="feature-set", group=again.group).count() == 1


def test_htmx_fetches_progress_until_the_page_has_more_to_show(version, alice, page, ready):
    headers = {"HX-Request": "true"}
    assert page("features", headers=headers)["HX-Refresh"] == "true"
    FeatureSet.objects.update(state=FeatureSet.State.COMPUTING)
    answer = page("features", headers=headers)
    assert "HX-Refresh" not in answer
    assert 'hx-trigger="every 1s"' in answer.text
    assert "<html" not in answer.text


def test_configurations_of_runs_can_be_chosen(version, alice, page):
    launch(version, RunConfig(features=FeatureConfig(flow="dis", normalise="clahe")), alice)
    text = page("features").text
    assert (
        "DIS, 28×28 of a 128 pixel crop, similarity alignment, head motion: median, intensity: CLAHE" in text
    )
    assert text.count("(not computed)") == 2


def test_outliers_come_with_their_reasons_the_worst_first(page, ready):
    text = page("features").text
    assert text.index("There is no face in frame 10.") < text.index("Moves far more than the others")
    assert "EP0</a>" not in text
    everything = page("features", query="?show=all").text
    assert all(f"EP{k}</a>" in everything for k in range(4))


def test_a_sample_shows_its_views_and_its_neighbours(page, ready, address):
    text = page("feature-sample", ready.pk, 1).text
    for part in ("onset", "apex", "u", "v", "strain", "flow"):
        assert address("feature-picture", ready.pk, 1, part) in text
    for neighbour in (0, 2):
        assert address("feature-sample", ready.pk, neighbour) in text
    assert "This sample moves far more than the others (z = +4.2)." in text
    assert "There is no face in frame 10." in page("feature-sample", ready.pk, 3).text
    assert page("feature-sample", ready.pk, 99).status_code == 404


def test_images_are_cached_forever_and_nothing_else_is_served(page, ready, address, client):
    answer = page("feature-picture", ready.pk, 1, "flow")
    assert b"".join(answer.streaming_content) == PNG
    assert answer["Content-Type"] == "image/png"
    assert {"private", "immutable"} <= set(answer["Cache-Control"].replace(" ", "").split(","))
    assert page("feature-picture", ready.pk, 2, "flow").status_code == 404
    assert page("feature-picture", ready.pk, 1, "secret").status_code == 404
    assert page("feature-picture", ready.pk, "legend", "u").status_code == 404
    assert (
        "Cache-Control" not in page("feature-picture", ready.pk, 2, "flow")
        or "immutable" not in page("feature-picture", ready.pk, 2, "flow")["Cache-Control"]
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR])
def test_blind_coders_do_not_see_the_annotations_of_others(client, project, ready, member, address, role):
    api = member(project, "carol", role)
    client.force_login(api.handler._force_user)
    names = [("features",), ("feature-sample", ready.pk, 1), ("feature-picture", ready.pk, 1, "flow")]
    assert [client.get(address(*name)).status_code for name in names] == [403] * 3
    base = f"/api/v1/composite-versions/{ready.version_id}/features/"
    places = ["", f"{ready.pk}/", f"{ready.pk}/samples/1/", f"{ready.pk}/samples/1/flow.png"]
    assert [api.get(base + place).status_code for place in places] == [403] * 4
    assert api.post(base).status_code == 403


def test_strangers_see_nothing(client, bob, bobs_api, ready, address):
    client.force_login(bob)
    assert client.get(address("features")).status_code == 404
    assert client.get(address("feature-picture", ready.pk, 1, "flow")).status_code == 404
    base = f"/api/v1/composite-versions/{ready.version_id}/features/"
    assert bobs_api.get(base).status_code == 404
    assert bobs_api.get(f"{base}{ready.pk}/samples/1/flow.png").status_code == 404


def test_a_set_belongs_to_its_version(api, version, ready):
    assert api.get(f"/api/v1/composite-versions/{version.pk + 1}/features/{ready.pk}/").status_code == 404


def test_the_api_starts_and_shows_a_feature_set(api, version, ready):
    base = f"/api/v1/composite-versions/{version.pk}/features/"
    started = api.post(base, {"config": {"flow": "dis"}})
    assert (started.status_code, started.json()["state"]) == (202, "computing")
    assert started.json()["progress"] == {"state": "computing", "done": 0, "total": 4}
    assert api.post(base).json()["id"] == ready.pk
    assert [row["id"] for row in api.get(base).json()["results"]] == [started.json()["id"], ready.pk]
    assert [o["index"] for o in api.get(f"{base}{ready.pk}/").json()["outliers"]] == [3, 1]
    sample = api.get(f"{base}{ready.pk}/samples/1/").json()
    assert sample["reasons"] == ["moves far more than the others (z = +4.2)"]
    assert b"".join(api.get(sample["pictures"]["flow"]).streaming_content) == PNG
    assert api.get(f"{base}{ready.pk}/samples/3/").json()["pictures"] == {}


def test_a_wrong_configuration_is_named_by_its_field(api, version):
    answer = api.post(
        f"/api/v1/composite-versions/{version.pk}/features/", {"config": {"size": 2, "flow": "x"}}
    )
    assert answer.status_code == 400
    assert set(field_errors(answer)) == {"/config/size", "/config/flow"}
