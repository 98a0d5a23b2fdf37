"""The page of a run's attributions: methods, mean maps on a face, regions and single samples."""

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments.attribution.coding import coded_regions
from mer_platform.experiments.models import Attribution, FoldWeights, Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Role
from models_ml.attribution.face import REGION_NAMES
from tests.api.attributions import attributed, keep_networks
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]
PICTURES = "All samples are imported flow pictures. How their makers aligned the face is not known"


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [i % 2 for i in range(24)], alice)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def page(browser, project):
    def get(run: Run, query: str = "", **headers: str) -> str:
        answer = browser.get(reverse("attribution", args=[project.slug, run.pk]) + query, headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.fixture
def figure(browser, project):
    def get(run: Run, name: str, query: str = "", status: int = 200) -> dict:
        answer = browser.get(reverse("attribution-figure", args=[project.slug, run.pk, name]) + query)
        assert answer.status_code == status
        return answer.json() if status == 200 else {}

    return get


def test_before_it_is_computed_the_page_offers_both_methods(page, run):
    keep_networks(run)
    shown = page(run)
    assert "6 networks kept" in shown
    assert "They are removed after 30 days" in shown
    assert shown.count("Compute<span") == 2
    assert "attribution-results" not in shown
    assert "What attribution can and cannot show" in shown


def test_it_is_started_watched_and_cancelled(browser, page, run, project):
    keep_networks(run)
    start = reverse("start-attribution", args=[project.slug, run.pk])
    shown = browser.post(start, {"method": "gradients"}, follow=True).content.decode()
    assert "Integrated gradients: requested." in shown
    assert "Waiting for a worker" in shown
    assert 'hx-trigger="every 1s"' in shown
    Job.objects.filter(kind="attribution").update(progress_done=5, progress_total=24, attempt=1)
    part = page(run, **{"HX-Request": "true", "HX-Target": "attribution-methods"})
    assert "5 of 24 samples" in part
    assert "<h1>" not in part
    again = browser.post(start, {"method": "gradients"}, follow=True).content.decode()
    assert "Integrated gradients: computing already." in again
    cancel = reverse("cancel-attribution", args=[project.slug, run.pk])
    shown = browser.post(cancel, {"method": "gradients"}, follow=True).content.decode()
    assert "Integrated gradients cancelled. What is done is kept" in shown
    assert "Compute again" in shown
    assert (
        "There is nothing to cancel"
        in browser.post(cancel, {"method": "gradients"}, follow=True).content.decode()
    )
    assert "Choose a method" in browser.post(start, {"method": "shap"}, follow=True).content.decode()


def test_the_page_loads_again_when_the_job_has_ended(browser, run, project, alice):
    attributed(run, alice)
    address = reverse("attribution", args=[project.slug, run.pk])
    part = browser.get(address, headers={"HX-Request": "true", "HX-Target": "attribution-methods"})
    assert part["HX-Refresh"] == "true"


def test_results_show_faces_regions_and_the_first_wrong_sample(page, run, alice):
    attributed(run, alice)
    shown = page(run)
    assert "Mean attribution on the face" in shown
    assert PICTURES in shown
    for region in REGION_NAMES:
        assert f">{region}</td>" in shown
    assert "AU6, AU12" in shown
    assert "CASME II/sub01/sub01_2" in shown
    assert "True class surprise, predicted negative" in shown
    assert "by the network of the fold without CASME II/sub01" in shown


def test_what_is_shown_follows_the_address(page, run, alice):
    attributed(run, alice)
    attributed_again = attributed_by_gradients(run, alice)
    shown = page(run, "?method=gradients&target=true&kind=strain&sample=7")
    assert attributed_again.method == "gradients"
    assert "Integrated gradients of strain, for the true class." in shown
    assert "CASME II/sub02/sub02_3" in shown
    part = page(run, "?kind=u", **{"HX-Request": "true", "HX-Target": "attribution-results"})
    assert "Occlusion of horizontal motion (u), for the predicted class." in part
    assert "<h1>" not in part
    nonsense = page(run, "?method=x&target=[]&kind=%00&sample=-4&columns=9999999999999999999")
    assert "Occlusion of all of the motion" in nonsense


def attributed_by_gradients(run: Run, user) -> Attribution:
    FoldWeights.objects.filter(fold__run=run).delete()
    return attributed(run, user, "gradients")


def test_faces_have_a_panel_per_class_and_database_with_an_outline(figure, run, alice):
    attributed(run, alice)
    found = figure(run, "faces", "?target=true&columns=3")
    maps = [trace for trace in found["data"] if trace["type"] == "heatmap"]
    outlines = [trace for trace in found["data"] if trace["type"] == "scatter"]
    assert len(maps) == len(outlines) == 12  # three classes: all, and three databases each
    assert len(maps[0]["z"]) == len(maps[0]["z"][0]) == 28
    assert maps[0]["zmin"] == -maps[0]["zmax"]
    assert maps[0]["zmid"] == 0
    titles = [note["text"] for note in found["layout"]["annotations"]]
    assert titles[:2] == ["negative, all (12)", "negative, CASME II (4)"]
    lefts = {found["layout"][name]["domain"][0] for name in found["layout"] if name.startswith("xaxis")}
    assert len(lefts) == 3
    [table] = found["tables"]
    assert table["columns"][:4] == ["Class", "Database", "Samples", "Subjects"]
    assert len(table["rows"]) == 12
    assert f"Run #{run.pk}" in table["caption"]


def test_regions_compare_attribution_with_motion(figure, run, alice):
    attributed(run, alice)
    found = figure(run, "regions", "?target=true&columns=2")
    bars = [trace for trace in found["data"] if trace["type"] == "bar"]
    marks = [trace for trace in found["data"] if trace["type"] == "scatter"]
    assert (len(bars), len(marks)) == (3, 3)
    assert sum(bars[0]["x"]) == pytest.approx(100)
    assert sum(marks[0]["x"]) == pytest.approx(100)
    axis = found["layout"]["xaxis"]["range"]
    assert max(max(bar["x"]) for bar in bars) < axis[1] < 60
    assert bars[1]["y"][3] == "cheeks *"  # the positive class
    assert bars[1]["y"][2] == "nose"
    assert all(low >= 0 for low in bars[0]["error_x"]["arrayminus"])
    [table] = found["tables"]
    assert len(table["rows"]) == 3 * len(REGION_NAMES)
    assert "EMFACS" in table["caption"]
    cheeks = next(row for row in table["rows"] if row[0] == "positive" and row[3] == "cheeks")
    assert cheeks[4] == "AU6, AU12"


def test_a_sample_has_a_map_of_each_kind(figure, run, alice):
    attributed(run, alice)
    found = figure(run, "sample", "?sample=3&target=true")
    maps = [trace["name"] for trace in found["data"] if trace["type"] == "heatmap"]
    assert maps == ["all motion", "horizontal (u)", "vertical (v)", "strain"]
    assert figure(run, "sample", "?sample=99999")["data"]
    figure(run, "nothing", status=404)


def test_a_missing_file_is_a_sentence(browser, run, alice, project, figure):
    found = attributed(run, alice)
    Attribution.objects.filter(pk=found.pk).update(file="attributions/00/gone.npz")
    figure(run, "sample", status=404)
    assert not default_storage.exists("attributions/00/gone.npz")
    figure(run, "faces")


def test_features_of_the_whole_frame_have_neither_outline_nor_regions(
    page, figure, project, database, make_clip, alice
):
    version = clips(project, database, make_clip, alice)
    whole = finished(version, [0, 1, 0, 1], alice, features={"align": "none"})
    attributed(whole, alice)
    shown = page(whole)
    assert "show the whole frame, not an aligned face" in shown
    assert "By region of the face" not in shown
    assert {trace["type"] for trace in figure(whole, "faces")["data"]} == {"heatmap"}
    assert figure(whole, "regions")["data"] == []
    cropped = finished(version, [0, 1, 0, 1], alice, features={"align": "crop"})
    attributed(cropped, alice)
    assert "The face is cropped, not aligned" in page(cropped)
    aligned = finished(version, [0, 1, 0, 1], alice)
    attributed(aligned, alice)
    assert "only approximately" not in page(aligned)


def clips(project, database, make_clip, alice):
    words = {"disgust": "negative", "happiness": "positive"}
    for number in range(4):
        clip = make_clip(f"clip{number}", f"s{number // 2}")
        emotion = list(words)[number % 2]
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    return freeze(project, "Four", [database], {database.name: words}, alice)


def test_coding_stays_blind(page, figure, project, database, make_clip, alice):
    run = finished(clips(project, database, make_clip, alice), [0, 1, 0, 1], alice)
    attributed(run, alice)
    Assignment.objects.create(clip=run.version.samples.first().clip, coder=alice)
    shown = page(run)
    assert "your queue still has 1 clip of this version" in shown
    assert "attribution-results" not in shown
    for name in ("faces", "regions", "sample"):
        figure(run, name, status=403)


def test_a_viewer_sees_means_but_neither_samples_nor_buttons(client, project, run, alice, bob, figure):
    attributed(run, alice)
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    address = reverse("attribution", args=[project.slug, run.pk])
    shown = client.get(address).content.decode()
    assert "Mean attribution on the face" in shown
    assert "sub01_2" not in shown
    assert '<form method="post"' not in shown.partition("attribution-methods")[2]
    assert client.get(reverse("attribution-figure", args=[project.slug, run.pk, "faces"])).status_code == 200
    assert client.get(reverse("attribution-figure", args=[project.slug, run.pk, "sample"])).status_code == 403
    assert client.post(reverse("start-attribution", args=[project.slug, run.pk])).status_code == 403
    assert client.post(reverse("cancel-attribution", args=[project.slug, run.pk])).status_code == 403


def test_runs_that_cannot_be_attributed_say_why(page, run, version, alice, browser, project):
    assert "The networks of its folds are not kept" in page(run)
    theirs = external(version, [0] * 24)
    assert "made by other code, so there are no networks to ask" in page(theirs)
    svm = finished(version, [0] * 24, alice, net={"name": "hoof_svm"})
    keep_networks(svm)
    shown = page(svm)
    assert "is fitted and has no gradients to integrate. Choose occlusion" in shown
    assert shown.count("Compute<span") == 1


def test_the_run_links_to_it(browser, run, project):
    shown = browser.get(reverse("run", args=[project.slug, run.pk])).content.decode()
    assert reverse("attribution", args=[project.slug, run.pk]) in shown


def test_the_page_costs_few_queries(browser, project, run, alice, django_assert_max_num_queries):
    attributed(run, alice)
    attributed_by_gradients(run, alice)
    address = reverse("attribution", args=[project.slug, run.pk])
    browser.get(address)
    with django_assert_max_num_queries(16):
        browser.get(address)


def test_strangers_find_nothing_and_visitors_are_asked_to_sign_in(client, run, project, bob):
    address = reverse("attribution", args=[project.slug, run.pk])
    assert "/sign-in/" in client.get(address)["Location"]
    client.force_login(bob)
    assert client.get(address).status_code == 404
    assert client.post(reverse("start-attribution", args=[project.slug, run.pk])).status_code == 404
    assert client.get(reverse("attribution-figure", args=[project.slug, run.pk, "faces"])).status_code == 404


def test_figures_and_their_numbers_leave_as_files(browser, project, run, alice):
    attributed(run, alice)
    for name, kind, start in (
        ("faces", "svg", b"<?xml"),
        ("regions", "pdf", b"%PDF"),
        ("sample", "png", b"\x89PNG"),
        ("regions", "csv", "\ufeffClass".encode()),
        ("faces", "tex", b"%"),
    ):
        address = reverse("attribution-figure", args=[project.slug, run.pk, name])
        answer = browser.get(f"{address}?format={kind}&columns=1&kind=u")
        assert (answer.status_code, answer.getvalue()[: len(start)]) == (200, start)
        if name != "regions" or kind == "pdf":
            continue
        assert f"attribution-{run.pk}-occlusion-regions" in answer["Content-Disposition"]


def test_coded_units_are_those_of_the_expression_of_the_sample(project, database, make_clip, alice):
    version = clips(project, database, make_clip, alice)
    units = ["4+L9B", "6 or 12", "12?", ""]
    for sample, text in zip(version.samples.order_by("index"), units, strict=True):
        sample.clip.consensus.update(action_units=text)
        other = {"onset": 50, "apex": 60, "offset": 70, "emotion": "disgust", "origin": "adopted"}
        Consensus.objects.create(clip=sample.clip, action_units="1+2+25", **other)
    found = coded_regions(version)
    assert [REGION_NAMES[r] for r in np.flatnonzero(found[0])] == ["brows and forehead", "nose"]
    assert [REGION_NAMES[r] for r in np.flatnonzero(found[1])] == ["eyes", "cheeks", "mouth and chin"]
    assert np.isnan(found[2:]).all()
    assert np.isnan(coded_regions(freeze_pictures(project))).all()
