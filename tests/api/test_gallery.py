"""Errors as images: which samples are shown, in which order, to whom, and in how many queries."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Prediction, Run
from mer_platform.experiments.results import results_of
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import request_features
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Role
from tests.api.finished_runs import finished

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
WORDS = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
TRUE = [0, 1, 2] * 4  # four subjects with one clip per class
GOOD = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 2]  # wrong: 10
POOR = [0, 0, 0] * 4  # wrong: 1, 2, 4, 5, 7, 8, 10, 11
PNG = b"\x89PNG made by a worker"
PARTS = ("onset", "apex", "u", "v", "strain")


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, true in enumerate(TRUE):
        clip = make_clip(f"clip{number:02}", f"s{number // 3}")
        Consensus.objects.create(
            clip=clip, onset=1, apex=5, offset=9, emotion=list(WORDS)[true], origin="adopted"
        )
    return freeze(project, "Twelve", [database], {database.name: WORDS}, alice)


@pytest.fixture
def good(version, alice) -> Run:
    return finished(version, GOOD, alice)


@pytest.fixture
def poor(version, alice) -> Run:
    return finished(version, POOR, alice, net={"name": "vgg_m"})


@pytest.fixture
def drawn(version, good, alice) -> FeatureSet:
    """The images of the features that the run used, as a worker stores them; sample 3 has none."""
    features = request_features(version, good.settings.features, alice)
    features.state = FeatureSet.State.READY
    features.problems = {"3": "There is no face in frame 1."}
    features.summary = {"scales": {"clip": {"flow": 1.75, "strain": 0.125}}, "outliers": [], "measures": {}}
    features.save()
    for index in range(12):
        for part in PARTS:
            default_storage.save(features.image_name(index, part), ContentFile(PNG))
    return features


@pytest.fixture
def gallery(client, alice, project):
    """Answer with the page of some runs, and the indices of the samples on it."""
    client.force_login(alice)

    def get(*runs: Run, status: int = 200, headers=None, **asked):
        url = reverse("gallery", args=[project.slug])
        answer = client.get(url, {"run": [run.pk for run in runs], **asked}, headers=headers)
        assert answer.status_code == status, answer.content.decode()
        return answer

    return get


def shown(answer) -> list[int]:
    return [card.sample.index for card in answer.context["cards"]]


def counts(answer, name: str) -> dict[str, int]:
    if name == "kind":
        return {option.value: option.samples for option, _ in answer.context["kinds"]}
    return {
        o.value: o.samples for key, _, options in answer.context["filters"] if key == name for o in options
    }


def test_a_run_shows_its_errors_with_true_and_predicted_class_and_probabilities(gallery, good):
    answer = gallery(good)
    assert shown(answer) == [10]
    text = answer.text
    for words in ("True: <strong>positive</strong>", "(happiness)", "CASME II / s3", "clip10", "apex 5"):
        assert words in text
    [line] = answer.context["cards"][0].lines
    assert (line.predicted, line.correct, line.probability) == ("negative", False, 0.8)
    assert text.count("<meter") == 3


def test_several_runs_show_what_they_disagree_on(gallery, good, poor):
    answer = gallery(good, poor)
    assert sorted(shown(answer)) == [1, 2, 4, 5, 7, 8, 11]
    assert counts(answer, "kind") == {
        "disagree": 7, "all-wrong": 1, "wrong": 8, "confident": 1, "all-correct": 4, "all": 12,
    }  # fmt: skip
    assert shown(gallery(good, poor, kind="all-wrong")) == [10]
    assert sorted(shown(gallery(good, poor, kind="wrong", by=poor.pk))) == [1, 2, 4, 5, 7, 8, 10, 11]
    assert sorted(shown(gallery(good, poor, kind="all-correct"))) == [0, 3, 6, 9]


def test_filters_combine_and_count_what_each_value_would_leave(gallery, good, poor):
    answer = gallery(good, poor, kind="wrong", by=poor.pk, true="surprise", predicted="negative")
    assert sorted(shown(answer)) == [2, 5, 8, 11]
    assert counts(answer, "true") == {"negative": 0, "positive": 4, "surprise": 4}
    assert counts(answer, "predicted") == {"negative": 4, "positive": 0, "surprise": 0}
    assert counts(answer, "subject") == {f"CASME II/s{n}": 1 for n in range(4)}
    assert shown(gallery(good, poor, kind="all", subject="CASME II/s2", sort="order")) == [6, 7, 8]


def test_without_a_chosen_run_predicted_means_by_any_run(gallery, good, poor):
    assert sorted(shown(gallery(good, poor, predicted="surprise"))) == [2, 5, 8, 11]
    assert shown(gallery(good, poor, predicted="surprise", by=poor.pk)) == []


def test_samples_are_sorted_by_confidence_margin_disagreement_and_subject(gallery, version, poor, alice):
    for index, probabilities in {2: [0.5, 0.4, 0.1], 5: [0.95, 0.03, 0.02], 8: [0.6, 0.2, 0.2]}.items():
        Prediction.objects.filter(run=poor, sample__index=index).update(probabilities=probabilities)
    asked = {"kind": "wrong", "true": "surprise"}
    assert shown(gallery(poor, **asked)) == [5, 11, 8, 2]  # a single run: the most confident first
    assert shown(gallery(poor, sort="margin", **asked)) == [2, 8, 11, 5]
    assert shown(gallery(poor, sort="subject", **asked)) == [2, 5, 8, 11]
    assert shown(gallery(poor, kind="confident", true="surprise", sort="order")) == [5, 11]
    third = finished(version, [2] * 12, alice, seed=1)
    fourth = finished(version, [1, 2, 2] * 4, alice, seed=2)
    answer = gallery(poor, third, fourth, kind="all", sort="disagreement")
    assert shown(answer)[:4] == [0, 3, 6, 9]  # three classes; then two against one


def test_a_sample_that_a_run_did_not_predict_says_so(gallery, good, poor):
    Prediction.objects.filter(run=poor, sample__index=4).delete()
    assert 4 not in shown(gallery(good, poor))
    answer = gallery(good, poor, kind="all", sort="order")
    assert "not tested by this run" in answer.text
    assert answer.context["cards"][4].lines[1].predicted == ""


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "nonsense"}, "“kind” must be one of disagree, all-wrong"),
        ({"true": "joy"}, "“true” must be one of negative, positive, surprise; it is “joy”."),
        ({"sort": "x" * 500}, "“sort” must be one of"),
        ({"database": "SAMM"}, "Database “SAMM” not found in Twelve v1."),
        ({"subject": "s1"}, "Subject “s1” not found in Twelve v1."),
        ({"by": "7000"}, "“by” must be one of the runs shown; it is “7000”."),
        ({"by": "one"}, "it is “one”."),
        ({"run": [str(n) for n in range(1, 22)]}, "21 runs are too many to compare."),
        ({"run": "x"}, "Run “x” not found."),
    ],
)
def test_a_wrong_address_is_explained(gallery, good, asked, words):
    assert words in gallery(good, status=422, **asked).text


def test_runs_on_different_versions_are_not_shown_together(gallery, project, database, good, alice):
    maps = {database.name: {"disgust": "negative", "happiness": "positive"}}
    other = finished(freeze(project, "Eight", [database], maps, alice), [0, 1] * 4, alice)
    assert f"{good} is on Twelve v1, {other} on Eight v1." in gallery(good, other, status=422).text


def test_runs_of_different_protocols_are_shown_together_but_not_ranked(gallery, version, good, alice):
    other = finished(version, POOR, alice, protocol="kfold", folds=2)
    text = " ".join(gallery(good, other).text.split())
    assert "different protocols (leave one subject out; 2 folds of whole subjects)" in text
    assert "different protocols" not in gallery(good).text


def test_without_a_run_the_page_says_how_to_choose_one(gallery):
    assert "No run chosen" in gallery().text


def test_filters_that_match_nothing_say_so(gallery, good):
    assert "No sample of Twelve v1 matches all of these filters." in gallery(good, true="surprise").text


def test_images_are_those_of_the_features_that_the_run_used(gallery, project, good, drawn):
    text = gallery(good, kind="all", sort="order").text
    for part in PARTS:
        assert reverse("gallery-image", args=[project.slug, drawn.pk, 10, part]) in text
    assert "−1.75" in text
    assert "0.125" in text
    assert "No features: There is no face in frame 1." in text


def test_images_that_are_not_computed_say_so_and_can_be_computed(gallery, client, project, good):
    text = gallery(good).text
    assert "The images of these features are not computed yet." in text
    assert "Not computed yet" in text
    asked = {"query": f"run={good.pk}&kind=all&page=1"}
    answer = client.post(reverse("gallery-images", args=[project.slug]), asked)
    assert answer.url == f"{reverse('gallery', args=[project.slug])}?run={good.pk}&kind=all&page=1"
    assert Job.objects.filter(kind="feature-set").exists()
    assert 'hx-target="#feature-progress"' in gallery(good).text
    part = {"HX-Request": "true", "HX-Target": "feature-progress"}
    assert "0 of 12 samples" in gallery(good, headers=part).text
    FeatureSet.objects.update(state=FeatureSet.State.READY)
    assert gallery(good, headers=part)["HX-Refresh"] == "true"


def test_a_failed_set_of_images_gives_the_reason(gallery, good, drawn):
    FeatureSet.objects.update(state=FeatureSet.State.FAILED, error="The disk is full.")
    assert "The disk is full." in gallery(good).text


def test_images_of_other_features_are_marked(gallery, version, good, drawn, alice):
    other = finished(version, GOOD, alice, features={"flow": "dis"})
    answer = gallery(other)
    assert not answer.context["images"].ready
    answer = gallery(other, features=drawn.pk)
    assert f"These are not the features that #{other.pk} used." in answer.text
    Run.objects.filter(pk=good.pk).update(features_hash="of older code")
    assert "Drawn by another version of the code" in gallery(good).text


def test_a_image_is_kept_by_the_browser_only_and_checked_by_its_tag(gallery, client, project, good, drawn):
    gallery(good)
    url = reverse("gallery-image", args=[project.slug, drawn.pk, 10, "u"])
    answer = client.get(url)
    assert b"".join(answer.streaming_content) == PNG
    assert {"private", "immutable"} <= set(answer["Cache-Control"].replace(" ", "").split(","))
    assert client.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    for wrong in ((drawn.pk, 10, "flow"), (drawn.pk, 99, "u"), (drawn.pk + 1, 10, "u")):
        assert client.get(reverse("gallery-image", args=[project.slug, *wrong])).status_code == 404


@pytest.fixture
def addresses(project, good, drawn) -> list[str]:
    query = f"?run={good.pk}"
    return [
        reverse("gallery", args=[project.slug]) + query,
        reverse("gallery-sample", args=[project.slug, 10]) + query,
        reverse("gallery-image", args=[project.slug, drawn.pk, 10, "onset"]),
    ]


@pytest.mark.parametrize(("role", "status"), [(None, 404), (Role.VIEWER, 403), (Role.ANNOTATOR, 403)])
def test_only_researchers_see_faces_and_labels(client, project, addresses, bob, role, status):
    if role:
        Membership.objects.create(project=project, user=bob, role=role)
    client.force_login(bob)
    assert [client.get(url).status_code for url in addresses] == [status] * 3


def test_a_researcher_with_clips_to_code_sees_none_of_it(client, addresses, alice, good):
    Assignment.objects.create(clip=Clip.objects.get(name="clip04"), coder=alice)
    client.force_login(alice)
    page, sample, image = (client.get(url) for url in addresses)
    assert page.status_code == 422
    assert "your queue still has 1 clip of this version to be coded blind" in page.text
    assert "clip10" not in page.text
    assert (sample.status_code, image.status_code) == (404, 403)
    kept = client.get(addresses[2], headers={"If-None-Match": f'"{addresses[2].split("/")[-3]}-10-onset"'})
    assert kept.status_code == 403  # also to a browser that has it


def test_clips_of_other_versions_in_the_queue_hide_nothing(client, addresses, make_clip, alice):
    Assignment.objects.create(clip=make_clip("elsewhere", "s9"), coder=alice)
    client.force_login(alice)
    assert [client.get(url).status_code for url in addresses] == [200] * 3


def test_numbers_that_no_row_can_have_are_not_found(client, api, project, alice, good, drawn):
    client.force_login(alice)
    huge = 10**30
    for name, arguments in (("gallery-sample", [huge]), ("gallery-image", [huge, huge, "u"])):
        url = reverse(name, args=[project.slug, *arguments])
        assert client.get(url, {"run": good.pk}).status_code == 404
    assert api.get(f"/api/v1/runs/{huge}/errors/").status_code == 404
    clip = good.version.samples.get(index=3).clip
    asked = {"run": [good.pk, "9" * 18, "9" * 40], "sample": "9" * 18, "frame": 5}
    assert client.get(reverse("clip", args=[project.slug, clip.pk]), asked).status_code == 200


def test_cells_of_a_comparison_lead_to_their_samples(gallery, client, project, good, poor):
    def figure(name: str) -> list[dict]:
        gallery(good, poor)
        url = reverse("compare-figure", args=[project.slug, name])
        return client.get(url, {"run": [good.pk, poor.pk]}).json()["data"]

    assert [panel["meta"] for panel in figure("confusion-counts")] == [good.pk, poor.pk]
    [cells] = figure("subjects")
    names = cells["meta"]["names"]
    assert [names[label] for label in cells["x"]] == [good.pk, poor.pk]
    for label, row in zip(cells["y"], cells["z"], strict=True):
        asked = {"subject": names[label], "by": names[cells["x"][1]], "sort": "order"}
        wrong = shown(gallery(good, poor, kind="wrong", **asked))
        assert 1 - len(wrong) / 3 == pytest.approx(row[1])


def test_the_large_view_shows_all_runs_and_its_neighbours(client, project, version, good, poor, drawn, alice):
    runs = [good, poor, *(finished(version, TRUE, alice, seed=seed) for seed in range(1, 4))]
    query = "?" + "&".join(f"run={run.pk}" for run in runs) + "&kind=all&sort=order"
    client.force_login(alice)
    url = reverse("gallery-sample", args=[project.slug, 10])
    page = client.get(url + query)
    assert len(page.context["card"].lines) == 5
    assert "Sample 11 of 12" in page.text
    for neighbour in (9, 11):
        assert reverse("gallery-sample", args=[project.slug, neighbour]) in page.text
    part = client.get(url + query, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "mer-flicker" in part.text
    assert client.get(reverse("gallery-sample", args=[project.slug, 12]) + query).status_code == 404
    assert client.get(url + query + "&kind=x").status_code == 404


def test_twenty_runs_take_as_many_queries_as_two(gallery, version, drawn, alice):
    runs = [finished(version, GOOD if seed % 2 else POOR, alice, seed=seed) for seed in range(20)]
    for run in runs:
        results_of(run)

    def queries(chosen: list[Run]) -> int:
        with CaptureQueriesContext(connection) as context:
            gallery(*chosen)
        return len(context)

    assert queries(runs) == queries(runs[:2]) <= 15
    answer = gallery(*runs)
    assert len(answer.context["cards"][0].lines) == 3
    assert sum(count for _, count in answer.context["cards"][0].votes) == 20


def errors(api, *runs: Run, status: int = 200, **asked):
    answer = api.get(f"/api/v1/runs/{runs[0].pk}/errors/", {"run": [run.pk for run in runs[1:]], **asked})
    assert answer.status_code == status, answer.json()
    return answer.json()


def test_the_api_lists_the_same_samples_with_addresses_of_images(api, version, good, poor, drawn):
    [error] = errors(api, good)["results"]
    assert (error["sample"], error["name"], error["subject"]) == (10, "clip10", "CASME II/s3")
    assert (error["true_label"], error["onset"], error["apex"], error["picture"]) == ("positive", 1, 5, None)
    assert error["predictions"] == [
        {
            "run": good.pk,
            "predicted": "negative",
            "correct": False,
            "probabilities": {"negative": 0.8, "positive": 0.1, "surprise": 0.1},
        }
    ]
    assert b"".join(api.get(error["images"]["strain"]).streaming_content) == PNG
    answer = errors(api, good, poor, predicted="surprise", page_size=3)
    assert (answer["count"], len(answer["results"])) == (4, 3)
    assert "page=2" in answer["next"]


def test_the_api_explains_wrong_parameters_and_refuses_others(api, bobs_api, project, member, good, alice):
    assert "kind: Must be one of all, all-correct" in errors(api, good, status=400, kind="x")["detail"]
    errors(bobs_api, good, status=404)
    errors(member(project, "vera", Role.VIEWER), good, status=403)
    assert api.get("/api/v1/runs/999/errors/").status_code == 404
    Assignment.objects.create(clip=Clip.objects.get(name="clip04"), coder=alice)
    assert "to be coded blind" in errors(api, good, status=403)["detail"]


@pytest.fixture
def clip_page(client, alice, project, version):
    client.force_login(alice)

    def get(*runs: Run, index: int = 10, sample: int | str | None = None) -> str:
        clip = version.samples.get(index=index).clip
        asked = {"frame": 5, "sample": index if sample is None else sample, "run": [run.pk for run in runs]}
        answer = client.get(reverse("clip", args=[project.slug, clip.pk]), asked)
        assert answer.status_code == 200
        return " ".join(answer.text.split())

    return get


def test_a_clip_opens_at_its_apex_with_the_predictions_shown(gallery, clip_page, client, good, poor):
    [card] = gallery(good, poor, kind="all-wrong").context["cards"]
    page = " ".join(client.get(card.clip_address).text.split())
    assert 'frame="5"' in page
    assert f"{good}</a> predicts <strong>negative</strong> (0.80);" in page
    assert "True class: <strong>positive</strong> (happiness), onset 1, apex 5 in Twelve v1." in page
    assert "predicts" in clip_page(good)


def test_a_clip_shows_the_probability_of_the_predicted_class(clip_page, good):
    Prediction.objects.filter(run=good, sample__index=10).update(
        probabilities=[0.25, 0.7, 0.05], predicted="negative"
    )
    assert "predicts <strong>negative</strong> (0.25)" in clip_page(good)


def test_a_class_that_other_code_predicts_against_its_probabilities_is_not_confident(gallery, good):
    wrong = Prediction.objects.filter(run=good, sample__index=10)
    assert shown(gallery(good, kind="confident")) == [10]
    wrong.update(probabilities=[0.1, 0.85, 0.05], predicted="negative")
    assert shown(gallery(good, kind="confident")) == []
    assert shown(gallery(good, kind="all", sort="margin"))[0] == 10


@pytest.mark.parametrize("sample", ["", "x", 3, 99])
def test_a_clip_shows_no_prediction_of_another_sample(clip_page, good, sample):
    assert "predicts" not in clip_page(good, sample=sample)


def test_no_one_who_still_has_to_code_sees_a_prediction_on_a_clip(clip_page, good, alice):
    Assignment.objects.create(clip=Clip.objects.get(name="clip04"), coder=alice)
    assert "predicts" not in clip_page(good)
    assert "predicts" not in clip_page(good, index=4)


def test_only_researchers_see_a_prediction_on_a_clip(client, project, version, clip_page, good, bob):
    Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
    client.force_login(bob)
    assert "predicts" not in clip_page(good)


def test_chosen_images_stay_chosen(gallery, version, good, drawn, alice):
    other = finished(version, GOOD, alice, features={"flow": "dis"})
    answer = gallery(other, features=drawn.pk)
    assert f"features={drawn.pk}" in answer.context["cards"][0].address
    assert all(f"features={drawn.pk}" in query for _, query in answer.context["kinds"])
    assert "features" not in gallery(other, features="x").context["query"]


def test_an_external_run_has_the_images_of_the_version(gallery, good, drawn):
    Run.objects.filter(pk=good.pk).update(config=None)
    answer = gallery(good)
    assert answer.context["images"].ready
    assert "is external, so its features are not known." in answer.text
    assert "(external)" in answer.text
