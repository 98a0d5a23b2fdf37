"""Promotions and moves of an alias that come at the same time: a project always has one model of each name."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.live import LivePlatform

pytestmark = [pytest.mark.services]
AT_ONCE = 20
DATA = """
from django.contrib.auth.models import User
from mer_platform.projects.services import create_project
from mer_platform.registry.models import ModelVersion
from models_ml.config import RunConfig
project = create_project("Promotions", User.objects.get(username="admin"))
fields = {"config": RunConfig().model_dump(mode="json"), "classes": ["negative", "positive", "surprise"]}
made = [ModelVersion.objects.create(project=project, name=f"m{n}", file=f"models/m{n}", **fields) for n in range(20)]
print(project.pk, *(model.pk for model in made))
"""


def test_of_20_promotions_at_once_each_is_made_and_one_model_is_in_production(live_platform: LivePlatform):
    project, *models = live_platform.manage("shell", "-v", "0", "-c", DATA).split()
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {live_platform.manage('create_token', 'admin').strip()}"
    url = f"{live_platform.url}/api/v1/models/"
    start, over = threading.Barrier(AT_ONCE), threading.Event()

    def promote(model: str) -> tuple[int, int]:
        start.wait()
        body = {"stage": "production", "reason": "the best of May"}
        staged = requests.post(f"{url}{model}/stage/", json=body, headers=api.headers, timeout=120)
        named = requests.put(f"{url}{model}/aliases/best/", json={}, headers=api.headers, timeout=120)
        return staged.status_code, named.status_code

    def listed() -> list[dict]:
        found = api.get(
            url, params={"project": project, "page_size": 100, "fields": "id,stage,aliases"}, timeout=60
        )
        assert found.status_code == 200, found.text
        return found.json()["results"]

    def seen() -> set[tuple[int, int]]:
        """Return how many models were in production, and how many had the alias, each time that someone looked."""
        counts = set()
        while not over.is_set():
            rows = listed()
            named = [row for row in rows if "best" in row["aliases"]]
            counts.add((sum(row["stage"] == "production" for row in rows), len(named)))
        return counts

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        looking = pool.submit(seen)
        answers = list(pool.map(promote, models))
        over.set()
    assert set(answers) == {(200, 200)}
    assert looking.result() <= {(0, 0), (1, 0), (1, 1)}

    [produced] = [row["id"] for row in listed() if row["stage"] == "production"]
    [named] = [row["id"] for row in listed() if "best" in row["aliases"]]
    events = [event for model in models for event in api.get(f"{url}{model}/", timeout=60).json()["history"]]
    promoted = [event for event in events if event["after"] == "production"]
    replaced = [event for event in events if event["before"] == "production"]
    assert (len(promoted), len(replaced)) == (AT_ONCE, AT_ONCE - 1)
    assert {event["by"] for event in promoted} == {"admin"}
    last = {pk: api.get(f"{url}{pk}/", timeout=60).json()["history"] for pk in (produced, named)}
    assert next(e["after"] for e in last[produced] if e["kind"] == "stage") == "production"
    assert next(e["after"] for e in last[named] if e["kind"] == "alias") == "@best"
