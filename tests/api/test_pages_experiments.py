"""The pages of experiments: the launch form and its errors, the matrix and the answer."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Fold, Prediction, Run
from mer_platform.experiments.sweeps import live
from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.experiments.sweeps.launch_form import LaunchForm
from mer_platform.features.models import FeatureRange
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Role
from models_ml.config import NET_CONFIGS, PRESETS, RunConfig, SweepConfig

pytestmark = pytest.mark.django_db
KERNELS = SweepConfig(grid={"net.kernels": [[2, 3], [2, 3, 4]]})
LABELS = ["negative", "positive", "surprise"]


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(8):
        clip = make_clip(f"clip{number}", f"s{number // 2}")
        emotion = ["disgust", "happiness"][number % 2]
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    words = {"disgust": "negative", "happiness": "positive"}
    return freeze(project, "Eight", [database], {database.name: words}, alice)


@pytest.fixture
def experiment(version, alice) -> Experiment:
    return services.launch_experiment(version, KERNELS, alice, "Kernels")


@pytest.fixture
def scored(experiment) -> Experiment:
    """Store predictions, all correct for the second run and all wrong for the first."""
    for run, right in zip(experiment.runs.order_by("pk"), (False, True), strict=True):
        folds = {fold.name: fold for fold in run.folds.all()}
        for sample in run.version.samples.all():
            predicted = sample.label if right else "surprise"
            fold = folds[sample.subject_key]
            Prediction.objects.create(
                run=run, fold=fold, sample=sample, predicted=predicted,
                probabilities=[float(label == predicted) for label in LABELS],
            )  # fmt: skip
        run.folds.update(state=Fold.State.DONE, losses=[0.5, 0.25], seconds=1.5)
    experiment.runs.update(state=Run.State.FINISHED)
    Job.objects.filter(group=experiment.group).update(state=Job.State.DONE)
    return experiment


def fields(version, net="vgg_m_spp", **changed):
    form = LaunchForm(versions=type(version).objects.all(), initial={"net-name": net})
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value not in (None, []) and value is not False}
    return {**sent, "version": version.pk, **changed}


def grid(version, *axes, **changed):
    rows = {"axis": [path for path, _ in axes], "values": [text for _, text in axes]}
    return fields(version, **{"what": "grid", "seeds": "0", **rows, **changed})


def check(browser, project, data) -> str:
    answer = browser.post(reverse("run-new", args=[project.slug]), data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def errors_of(page: str, field: str) -> str:
    """Return the errors shown next to a field or an axis."""
    return page.split(f'id="{field}_errors"')[1].split("</div>")[0]


@pytest.mark.parametrize("net", NET_CONFIGS)
def test_each_network_shows_its_layers_and_launches_with_its_defaults(browser, project, version, net):
    page = check(browser, project, fields(version, net))
    assert NET_CONFIGS[net].title in page
    assert "4 folds" in page
    browser.post(reverse("run-new", args=[project.slug]), fields(version, net))
    assert Run.objects.get().settings.net == NET_CONFIGS[net]()


def test_the_form_is_checked_when_it_opens(browser, project, version):
    page = browser.get(reverse("run-new", args=[project.slug])).content.decode()
    assert "Not ready to launch" not in page
    assert "194,971" in page  # parameters of the source's best configuration at the default width


def test_the_form_shows_the_time_of_missing_features(browser, project, version):
    one = " ".join(check(browser, project, fields(version)).split())
    assert "for the features of 8 samples. These networks have not been trained here yet" in one
    assert "Few features have been computed here yet, so their time is a rough guess." in one
    many = " ".join(check(browser, project, grid(version, ("features.size", "28, 56"))).split())
    assert "of this time, for 16 flow images of 8 samples" in many
    services.launch(version, RunConfig(), None)
    FeatureRange.objects.update(images_computed=0)
    assert "The features are already computed." in check(browser, project, fields(version))
    many = " ".join(check(browser, project, grid(version, ("train.epochs", "5, 6"))).split())
    assert "<dt>Features</dt> <dd> already computed </dd>" in many


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_launches_as_it_is(browser, project, version, preset):
    page = check(browser, project, fields(version, what=preset, seeds="0"))
    runs = len(PRESETS[preset].sweep.runs())
    assert f"Launch {runs} runs" in page
    answer = browser.post(reverse("run-new", args=[project.slug]), fields(version, what=preset, seeds="0"))
    launched = Experiment.objects.get()
    assert answer["Location"] == reverse("experiment", args=[project.slug, launched.pk])
    assert (launched.name, launched.runs.count()) == (PRESETS[preset].title, runs)
    rows = browser.get(answer["Location"]).context["rows"]
    assert len({label for _, label in rows}) == runs
    assert browser.get(reverse("experiments", args=[project.slug])).status_code == 200


def test_a_grid_runs_every_combination_with_every_seed(browser, project, version):
    axes = [
        ("net.kernels", "2,3 | 2,3,4"),
        ("train.learning_rate", "0.001, 0.01"),
        ("train.flip", "yes | no"),
    ]
    data = grid(version, *axes) | {"seeds": "0, 5", "priority": "3"}
    assert "Launch 16 runs" in check(browser, project, data)
    browser.post(reverse("run-new", args=[project.slug]), data)
    launched = Experiment.objects.get()
    assert (launched.priority, launched.runs.count()) == (3, 16)
    assert launched.settings.grid["net.kernels"] == ([2, 3], [2, 3, 4])
    assert set(launched.runs.values_list("seed", flat=True)) == {0, 5}


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("net.kernels", "2,3 | 2,9", "Kernel 9 is larger than the 6×6 map"),
        ("net.kernels", "2,3 | x", "“x” is not a whole number"),
        ("net.kernels", "", "Enter at least one value"),
        ("train.epochs", "10 | 0", "“0”: Ensure this value is greater than or equal to 1"),
        ("net.pooling", "average | median", "“median” is not one of average, max"),
        ("net", "vgg_m | vgg_n", "There is no network “vgg_n”"),
        ("net", '{"name": "vgg_m", "layers": 9}', "Must be 5 or less, not 9."),
        ("net.nothing", "1", "There is no setting “net.nothing”"),
        ("protocol", "loso | lodo", "Leave-one-database-out needs at least two databases"),
        ("", "", "Choose a setting to vary"),
    ],
)
def test_errors_of_an_axis_are_shown_next_to_it(browser, project, version, path, text, words):
    page = check(browser, project, grid(version, (path, text)))
    assert words in errors_of(page, "axis-1")
    assert page.split("axis-1_errors")[0].count("<li>") == 1  # in the summary; nothing else is wrong
    assert (
        browser.post(reverse("run-new", args=[project.slug]), grid(version, (path, text))).status_code == 422
    )
    assert not Experiment.objects.exists()


WRONG = {
    "train-epochs": ("0", "id_train-epochs", "greater than or equal to 1"),
    "train-loss": ("luck", "id_train-loss", "luck is not one of the available choices"),
    "net-kernels": ("2, 9", "id_vgg_m_spp-kernels", "Kernel 9 is larger than the 6×6 map"),
    "name": ("x" * 121, "id_name", "at most 120 characters"),
}


def test_each_error_is_reported_once_and_all_together(browser, project, version):
    sent = {name: value for name, (value, _, _) in WRONG.items()}
    page = check(browser, project, fields(version, **sent))
    for _, place, words in WRONG.values():
        assert errors_of(page, place).count("<li>") == 1
        assert words in errors_of(page, place)
    assert browser.post(reverse("run-new", args=[project.slug]), fields(version, **sent)).status_code == 422


def test_an_error_in_an_axis_hides_no_other_error(browser, project, version):
    axes = ("train.epochs", "ten"), ("net.kernels", "2 | 9")
    page = check(browser, project, grid(version, *axes, seeds="one", **{"train-ema": "2"}))
    for place, words in (
        ("axis-1", "“ten”: Enter a whole number."),
        ("axis-2", "Kernel 9 is larger than the 6×6 map"),
        ("id_seeds", "“one” is not a whole number"),
        ("id_train-ema", "less than or equal to 0.9999"),
    ):
        assert words in errors_of(page, place)
        assert errors_of(page, place).count("<li>") <= 1
    assert "null" not in errors_of(page, "axis-2")


def test_an_axis_with_an_error_is_not_checked_with_the_value_it_replaces(browser, project, version):
    page = check(browser, project, grid(version, ("net.kernels", "two"), **{"features-size": "14"}))
    assert "is larger than the" not in page


def test_cross_offers_the_databases_of_the_version_and_requires_both_parts(browser, project, version):
    page = check(browser, project, fields(version, protocol="cross"))
    assert "Name the databases to train on" in page
    assert 'value="CASME II"' in page


def test_a_clone_fills_the_form_with_the_settings_of_the_experiment(browser, project, experiment):
    page = browser.get(reverse("run-new", args=[project.slug]), {"clone": experiment.pk})
    assert page.context["form"].own_grid
    assert 'value="2,3 | 2,3,4"' in page.content.decode()
    assert "Launch 2 runs" in page.content.decode()


def test_the_matrix_fetches_only_changed_runs(browser, project, experiment):
    url = reverse("experiment-folds", args=[project.slug, experiment.pk])
    first = browser.get(url).json()
    assert [letters for _, letters, *_ in first["runs"]] == ["wwww", "wwww"]
    assert browser.get(url, {"seen": first["seen"]}).json()["runs"] == []
    run = experiment.runs.order_by("pk").last()
    run.folds.filter(index=2).update(state=Fold.State.RUNNING)
    experiment.runs.filter(pk=run.pk).update(state=Run.State.TRAINING)
    second = browser.get(url, {"seen": first["seen"]}).json()
    assert second["runs"] == [[run.pk, "wwrw", "training", "training"]]
    assert second["counts"] == {"w": 7, "r": 1, "d": 0, "f": 0, "c": 0}
    assert len(browser.get(url, {"seen": "x" * 3000}).json()["runs"]) == 2


def test_a_fold_is_described_in_words(scored):
    fold = Fold.objects.filter(run__experiment=scored).first()
    assert live.describe_fold(fold).startswith("CASME II/s0 held out")
    assert "done in 1.5 s, training loss 0.250 after 2 epochs" in live.describe_fold(fold)


def test_the_page_answers_which_configuration_is_best(browser, project, scored):
    assert browser.get(reverse("experiment", args=[project.slug, scored.pk])).status_code == 200
    page = browser.get(reverse("experiment-answer", args=[project.slug, scored.pk]))
    answer = page.context["answer"]
    assert answer.best.label == "kernels 2, 3, 4"
    assert [row.uar for row in answer.standings] == [1, 0]
    text = " ".join(page.content.decode().split())
    assert "Its probability of being the best is 100%." in text
    assert "Train the final model" in text
    for name in ("ranking", "losses", "heat-map"):
        url = reverse("experiment-figure", args=[project.slug, scored.pk, name])
        asked = {"run": answer.best.run.pk, "x": "Kernels", "y": "Kernels"}
        assert browser.get(url, asked).json()["data"]
    url = reverse("experiment-figure", args=[project.slug, scored.pk, "heat-map"])
    assert browser.get(url, {"x": "Kernels", "y": "Luck"}).status_code == 404


def test_the_api_gives_the_same_answer(api, scored, alice):
    ranking = api.get(f"/api/v1/experiments/{scored.pk}/ranking/").json()
    first, second = ranking["places"]
    good, poor = (
        run.pk for run in sorted(scored.runs.all(), key=lambda run: -len(run.config["net"]["kernels"]))
    )
    assert (first["configuration"], first["runs"], first["uar"], first["best"]) == (
        "kernels 2, 3, 4",
        [good],
        1,
        1,
    )
    assert first["behind_interval_95"] is None
    assert (second["runs"], second["behind"]) == ([poor], first["uf1"] - second["uf1"])
    assert len(second["behind_interval_95"]) == 2
    assert ranking["expected_uf1"] == Answer(scored, alice).expected.score
    assert (ranking["runs_open"], ranking["runs_missing"], ranking["problem"]) == (0, 0, "")


def test_the_api_ranks_nothing_without_scores(api, experiment):
    ranking = api.get(f"/api/v1/experiments/{experiment.pk}/ranking/").json()
    assert (ranking["places"], ranking["expected_uf1"], ranking["runs_open"]) == ([], None, 2)


def test_the_answer_reads_stored_results_and_no_predictions(scored, alice):
    assert Answer(scored, alice).standings  # stores the results of runs that have none
    with CaptureQueriesContext(connection) as queries:
        answer = Answer(scored, alice)
        assert answer.standings
        assert answer.expected
    assert len(queries) <= 2
    assert not [query for query in queries if "experiments_prediction" in query["sql"]]


def test_a_run_of_an_experiment_links_back_to_it(browser, project, version, experiment, alice):
    def way_to(run):
        page = browser.get(reverse("run", args=[project.slug, run.pk])).content.decode()
        crumbs = page.split('aria-label="Breadcrumbs"')[1].split("</nav>")[0]
        return re.findall(r'href="([^"]+)"', crumbs), re.findall(r'href="([^"]+)" aria-current="page"', page)

    experiments, runs = (reverse(name, args=[project.slug]) for name in ("experiments", "runs"))
    page_of_it = reverse("experiment", args=[project.slug, experiment.pk])
    assert way_to(experiment.runs.first()) == ([experiments, page_of_it], [experiments])
    assert way_to(services.launch(version, RunConfig(), alice)) == ([runs], [runs])


def test_its_page_pauses_resumes_cancels_and_adds_seeds(browser, project, experiment):
    def do(name, **data):
        url = reverse(name, args=[project.slug, experiment.pk])
        return browser.post(url, data, follow=True).content.decode()

    assert "Paused. Folds in training will finish; no new ones will start." in do("pause-experiment")
    assert "Nothing to do" in do("pause-experiment")
    assert "Resumed." in do("resume-experiment")
    assert "2 runs added." in do("add-seeds", seeds="1")
    assert "is not a whole number" in do("add-seeds", seeds="one")
    assert "Nothing to do" in do("rerun-failed-experiment")
    assert "Cancelled. Finished folds are kept." in do("cancel-experiment")
    assert "This experiment was cancelled" in do("resume-experiment")


def test_progress_starts_again_with_added_seeds_and_its_total_stays(browser, project, scored, alice):
    """The bar counts the folds since runs were added: it was full before, and would run backward over all folds."""

    def bar() -> tuple[int, int]:
        progress = Experiment.objects.get(pk=scored.pk).progress()
        return progress["round_done"], progress["round_total"]

    assert bar() == (8, 8)
    added = services.add_seeds(scored, [1], alice)
    assert bar() == (0, 8)
    page = browser.get(reverse("experiment", args=[project.slug, scored.pk])).content.decode()
    assert "0 of 8 folds since runs were added or run again" in " ".join(page.split())
    added[0].folds.filter(index__lt=3).update(state=Fold.State.DONE)
    assert bar() == (3, 8)
    steps.fail_runs(scored.pk, Run.objects.filter(pk=added[0].pk), "The disk is full.")
    assert bar() == (4, 8)  # its last fold is not going to be trained
    services.rerun_failed(scored, alice)
    assert bar() == (0, 5)
    assert Experiment.objects.get(pk=scored.pk).progress()["folds_total"] == 16


def test_a_failed_run_can_run_again_from_both_pages(browser, project, experiment):
    run = experiment.runs.order_by("pk").first()
    pages = {"run": ("run", run.pk), "experiment": ("experiment", experiment.pk)}
    again = reverse("rerun-run", args=[project.slug, run.pk])
    for asked_on, (name, pk) in pages.items():
        url = reverse(name, args=[project.slug, pk])
        assert again not in browser.get(url).content.decode()
        experiment.runs.filter(pk=run.pk).update(state=Run.State.FAILED, error="The disk is full.")
        page = browser.get(url).content.decode()
        assert again in page
        assert "The disk is full." in page
        answer = browser.post(again, {"from": asked_on}, follow=True)
        assert answer.redirect_chain[-1][0] == url
        assert "will run again. Its finished folds are kept." in answer.content.decode()
        assert experiment.runs.get(pk=run.pk).state == Run.State.FEATURES
    refused = browser.post(again, follow=True).content.decode()
    assert "is computing features. Only failed runs can run again" in refused


def test_the_failed_runs_can_be_fetched_without_the_page(browser, project, experiment):
    url = reverse("experiment-failed", args=[project.slug, experiment.pk])
    assert "failed." not in browser.get(url).content.decode()
    experiment.runs.update(state=Run.State.FAILED, error="The disk is full.")
    part = browser.get(url).content.decode()
    assert "2 runs failed." in part
    assert "Run all 2 again" in part
    assert part.count('formaction="') == 2


def test_only_the_first_of_many_failed_runs_have_their_reasons(browser, project, version, alice):
    experiment = services.launch_experiment(version, SweepConfig(seeds=range(60)), alice)
    experiment.runs.update(state=Run.State.FAILED, error="The disk is full.")
    part = browser.get(reverse("experiment-failed", args=[project.slug, experiment.pk])).content.decode()
    assert (part.count("The disk is full."), part.count('formaction="')) == (5, 50)
    assert "And 55 others" in part
    assert "And 10 more, in the table below." in part


def test_the_model_of_the_best_configuration_is_trained_on_request(browser, project, scored):
    best = scored.runs.order_by("pk").last()
    answer = browser.post(reverse("train-model", args=[project.slug, best.pk]), follow=True)
    assert "Training the final model" in answer.content.decode()
    assert "already has a model, or is not finished" in browser.post(
        reverse("train-model", args=[project.slug, best.pk]), follow=True
    ).content.decode()  # fmt: skip


def test_strangers_see_nothing_and_viewers_change_nothing(client, project, experiment, bob):
    actions = [*(f"{do}-experiment" for do in ("pause", "resume", "cancel", "rerun-failed")), "add-seeds"]
    client.force_login(bob)
    page = reverse("experiment", args=[project.slug, experiment.pk])
    assert client.get(page).status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    experiment.runs.update(state=Run.State.FAILED)
    again = reverse("rerun-run", args=[project.slug, experiment.runs.first().pk])
    assert again not in client.get(page).content.decode()
    assert client.post(again).status_code == 403
    for name in actions:
        url = reverse(name, args=[project.slug, experiment.pk])
        assert client.post(url).status_code == 403
        assert client.get(url).status_code == 405


def test_the_form_of_a_grid_offers_the_names_of_the_networks(browser, project, version):
    page = browser.get(reverse("run-new", args=[project.slug]) + "?what=grid").content.decode()
    assert all(f"<code>{name}</code>" in page for name in NET_CONFIGS)
