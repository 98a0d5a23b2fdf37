"""Paper bundles: what is in the zip, who gets it, and methods in words with the real numbers."""

import io
import json
from zipfile import ZipFile

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from mer_platform.composites import document
from mer_platform.deletion.scan import scan
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.methods import methods_of
from mer_platform.exports.bundles import charts, write_bundle
from mer_platform.exports.models import PaperBundle
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.api.paper_lab import *  # noqa: F403
from tests.api.paper_lab import GOOD
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db]
API = "/api/v1/paper-bundles/"


def files_of(runs) -> dict[str, bytes]:
    file = io.BytesIO()
    write_bundle(runs, file)
    with ZipFile(file) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


@pytest.fixture
def work():
    from workers import runner
    from workers.app import app  # noqa: F401  (registers the handlers)

    def until_idle() -> None:
        while due := Job.objects.filter(state=Job.State.QUEUED, kind="paper-bundle").first():
            runner.take_next(due.queue)

    return until_idle


def test_a_bundle_has_figures_tables_data_and_texts(version, runs):
    files = files_of(runs)
    names = [name for name, drawing in charts(runs).items() if drawing.draw(1).data]
    assert {"scores", "differences", "confusion-shares", "roc"} <= set(names)
    for name in names:
        for width in ("1-column", "2-columns"):
            for form in ("svg", "pdf", "png"):
                assert f"figures/{name}-{width}.{form}" in files
    for name in ("scores", "databases", "classes", "differences", "confusion", "settings"):
        assert {f"tables/{name}.{form}" for form in ("csv", "tex", "md")} <= set(files)
    for run in runs:
        assert json.loads(files[f"configurations/run-{run.pk}.json"]) == run.config
    [name] = [name for name in files if name.startswith("versions/")]
    assert json.loads(files[name]) == document.export(version)
    assert files["predictions.csv"].count(b"\r\n") == 25
    assert {"README.md", "methods.md", "reproduce.md", "references.bib", "environment.json"} <= set(files)
    readme = files["README.md"].decode()
    assert f"#{runs[0].pk}" in readme
    assert version.content_hash[:12] in readme
    assert "Left out" not in readme


@pytest.mark.usefixtures("one_form")
def test_the_same_runs_give_the_same_bytes(runs):
    assert files_of(runs) == files_of(runs)


def test_methods_have_the_numbers_of_the_runs(version, alice, runs):
    again = finished(version, GOOD, alice, seed=3)
    text = methods_of([*runs, again])
    for part in (
        "has 12 samples of 4 subjects from CASME II",
        "negative (4), positive (4) and surprise (4)",
        "All runs were tested by the protocol “leave one subject out” (4 folds; 12 samples predicted).",
        f"Runs #{runs[0].pk} and #{again.pk}: ",
        "seeds 0 and 3",
        "trained for 30 epochs with Adam",
        "the weights of the last epoch made the predictions",
        "a bootstrap over subjects (10,000 resamples)",
        "adjusted for 2 comparisons by the method of Holm (1979)",
        "McNemar (1947)",
        version.content_hash[:12],
    ):
        assert part in text, part


def test_methods_claim_nothing_of_the_folds_of_other_code(version, runs):
    theirs = external(version, GOOD)
    assert "“leave one subject out” (12 samples predicted)" in methods_of([theirs])
    assert "had an influence" not in methods_of([theirs])
    text = methods_of([runs[0], theirs])
    assert "“leave one subject out” (4 folds; 12 samples predicted)" in text
    assert f"In the run #{runs[0].pk}, no sample that a fold holds out had an influence" in text


def test_methods_of_one_run_compare_nothing(runs):
    text = methods_of(runs[:1])
    assert "The run was tested by" in text
    assert "Holm" not in text


@pytest.mark.usefixtures("one_form")
def test_the_api_makes_a_bundle_once(api, runs, work, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"  # a storage of its own: the test counts all files
    answer = api.post(API, {"runs": [run.pk for run in runs]}, format="json")
    assert answer.status_code == 202, answer.content
    assert (
        api.post(API, {"runs": [run.pk for run in runs]}, format="json").json()["id"] == answer.json()["id"]
    )
    address = f"{API}{answer.json()['id']}/"
    assert api.get(f"{address}file/").status_code == 404
    work()
    made = api.get(address).json()
    assert (made["state"], made["error"]) == ("done", "")
    content = b"".join(api.get(f"{address}file/").streaming_content)
    assert len(content) == made["size"]
    with ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
    found = scan(0)["exports"]
    assert (found.files, found.orphans, found.missing) == (1, [], [])


@pytest.mark.usefixtures("one_form")
def test_a_bundle_whose_file_is_gone_is_made_again(api, runs, work):
    first = api.post(API, {"runs": [runs[0].pk]}, format="json").json()["id"]
    work()
    default_storage.delete(PaperBundle.objects.get().file)
    assert api.get(f"{API}{first}/file/").status_code == 404
    assert api.post(API, {"runs": [runs[0].pk]}, format="json").json()["id"] != first


@pytest.mark.usefixtures("one_form")
def test_a_bundle_of_a_deleted_run_says_so(api, runs, work):
    api.post(API, {"runs": [run.pk for run in runs]}, format="json")
    pk = runs[1].pk
    runs[1].predictions.all().delete()
    Run.objects.filter(pk=pk).delete()
    work()
    bundle = PaperBundle.objects.get()
    assert bundle.state == "failed"
    assert f"Run #{pk} was deleted" in bundle.error


@pytest.mark.parametrize("asked", [[], ["x"], [999_999], list(range(30)), None])
def test_wrong_runs_are_refused(api, runs, asked):
    answer = api.post(API, {"runs": asked}, format="json")
    assert answer.status_code == 400
    assert errors_of(answer, "runs")


@pytest.mark.usefixtures("one_form")
def test_only_researchers_get_bundles(api, bobs_api, runs, member, work):
    made = api.post(API, {"runs": [runs[0].pk]}, format="json").json()["id"]
    work()
    assert bobs_api.get(f"{API}{made}/").status_code == 404
    assert bobs_api.post(API, {"runs": [runs[0].pk]}, format="json").status_code == 400
    viewer = member(runs[0].project, "vera", Role.VIEWER)
    assert viewer.get(f"{API}{made}/file/").status_code in (403, 404)
    assert viewer.post(API, {"runs": [runs[0].pk]}, format="json").status_code == 403


@pytest.mark.usefixtures("one_form")
def test_the_page_makes_a_bundle_and_shows_it(browser, runs, work):
    slug = runs[0].project.slug
    page = browser.get(reverse("compare-runs", args=[slug]), {"run": [run.pk for run in runs]})
    assert "Paper bundle" in page.content.decode()
    answer = browser.post(reverse("new-paper-bundle", args=[slug]), {"run": [run.pk for run in runs]})
    bundle = PaperBundle.objects.get()
    assert answer.url == reverse("paper-bundle", args=[slug, bundle.pk])
    assert "Waiting for a worker" in browser.get(answer.url).content.decode()
    work()
    text = browser.get(answer.url).content.decode()
    assert f"{API}{bundle.pk}/file/" in text
    assert "10,000 resamples" in text
    part = browser.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "hx-trigger" not in part  # nothing finished is polled


def test_the_page_refuses_runs_of_others(browser, runs):
    slug = runs[0].project.slug
    for asked in ({"run": ["x", "99999"]}, {}):
        answer = browser.post(reverse("new-paper-bundle", args=[slug]), asked, follow=True)
        assert "Give at least one run" in answer.content.decode()
    assert not PaperBundle.objects.exists()
