"""A request with ``?wait=`` is answered when something changes or ends, and never keeps threads from pages."""

import pytest

from mer_platform.experiments.models import Fold, Run
from mer_platform.registry.models import ModelExport
from mer_platform.rest import waiting
from tests.api.list_lab import ListLab
from tests.api.problems import field_errors
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def lab(alice, project) -> ListLab:
    return ListLab(alice, project)


@pytest.fixture
def run(lab) -> str:
    Run.objects.filter(pk=lab.run.pk).update(state=Run.State.FEATURES, finished_at=None)
    return f"/api/v1/runs/{lab.run.pk}/"


class Clock:
    """Time that passes only while a request sleeps; then something may happen."""

    def __init__(self) -> None:
        self.now, self.sleeps, self.events = 0.0, 0, {}
        self.stopping = False

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.sleeps += 1
        self.events.pop(self.sleeps, lambda: None)()
        return self.stopping


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(waiting, "STOPPING", clock)
    return clock


def test_it_answers_as_soon_as_the_state_changes(api, lab, run, clock):
    tag = api.get(run)["ETag"]
    clock.events[3] = lambda: Run.objects.filter(pk=lab.run.pk).update(state=Run.State.TRAINING)
    answer = api.get(f"{run}?wait=30", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["state"], clock.sleeps) == (200, "training", 3)


def test_it_answers_as_soon_as_the_progress_changes(api, lab, run, clock):
    clock.events[2] = lambda: Fold.objects.filter(run=lab.run).update(state=Fold.State.DONE)
    answer = api.get(f"{run}?wait=30")
    assert (answer.json()["progress"]["folds_done"], clock.sleeps) == (1, 2)


def test_it_answers_at_once_if_the_client_has_another_state_or_the_work_has_ended(api, lab, run, clock):
    assert api.get(f"{run}?wait=30", headers={"If-None-Match": '"older"'}).status_code == 200
    Run.objects.filter(pk=lab.run.pk).update(state=Run.State.FAILED)
    tag = api.get(run)["ETag"]
    assert api.get(f"{run}?wait=30", headers={"If-None-Match": tag}).status_code == 304
    assert clock.sleeps == 0


def test_it_answers_at_once_when_its_process_is_asked_to_end(api, run, clock):
    clock.events[2] = lambda: setattr(clock, "stopping", True)
    assert api.get(f"{run}?wait=30").status_code == 200
    assert clock.sleeps == 2


def test_it_answers_when_time_is_up(api, run, clock):
    tag = api.get(run)["ETag"]
    assert api.get(f"{run}?wait=5", headers={"If-None-Match": tag}).status_code == 304
    assert api.get(f"{run}?wait=4").status_code == 200
    assert clock.now == 9


def test_what_is_deleted_while_it_waits_is_not_found(api, lab, run, clock):
    clock.events[1] = lambda: Run.objects.filter(pk=lab.run.pk).delete()
    assert api.get(f"{run}?wait=30").status_code == 404


@pytest.mark.parametrize("text", ["31", "-1", "1.5", "soon", ""])
def test_a_wait_out_of_range_is_refused(api, run, text):
    refused = api.get(f"{run}?wait={text}")
    assert refused.status_code == 400
    assert field_errors(refused)["?wait"]


def test_it_answers_at_once_if_too_many_wait(api, run, clock, settings):
    settings.MOST_WAITING = 2
    tag = api.get(run)["ETag"]
    with waiting.PLACES.one() as first, waiting.PLACES.one() as second:
        assert (first, second) == (True, True)
        answer = api.get(f"{run}?wait=30", headers={"If-None-Match": tag})
    assert (answer.status_code, answer["Retry-After"], clock.sleeps) == (304, "5", 0)
    api.get(f"{run}?wait=3", headers={"If-None-Match": tag})
    assert clock.now == 3


def test_a_look_while_it_waits_takes_a_few_small_queries(api, run, clock, django_assert_max_num_queries):
    with django_assert_max_num_queries(60 + 16 * 3):
        api.get(f"{run}?wait=10")
    assert clock.sleeps >= 10


def test_all_that_works_in_the_background_can_be_waited_for(api, lab, clock, subtests):
    kinds = ("clips", "imports", "runs", "experiments", "paper-bundles", "feature-exports")
    for path, (address, add) in lab.lists().items():
        kind = path.strip("/").split("/")[-1]
        if kind in kinds or kind == "features":
            with subtests.test(kind):
                row = add()
                if kind in ("paper-bundles", "feature-exports"):
                    type(row).objects.filter(pk=row.pk).update(state="waiting")
                assert api.get(f"{address}{row.pk}/?wait=1").status_code == 200
    assert api.get(f"/api/v1/projects/{lab.project.pk}/spot/?wait=1").json()["waiting"] == 0


def test_the_export_of_a_model_is_waited_for(api, lab, clock):
    export = ModelExport.objects.create(model=model_of(lab.run))
    address = f"/api/v1/models/{export.model_id}/export/"
    clock.events[3] = lambda: ModelExport.objects.update(state=ModelExport.State.DONE)
    answer = api.get(f"{address}?wait=30", headers={"If-None-Match": api.get(address)["ETag"]})
    assert (answer.status_code, answer.json()["state"], clock.sleeps) == (200, "done", 3)
    assert (api.get(f"{address}?wait=30").status_code, clock.sleeps) == (200, 3)
