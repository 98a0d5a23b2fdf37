"""Lists of runs and experiments take the same number of queries for any number of rows; text is compressed."""

import gzip

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext

from mer_platform.compression import CompressText
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures

pytestmark = pytest.mark.django_db


def queries(client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", ["/api/v1/runs/", "/api/v1/experiments/"])
def test_a_list_of_the_api_takes_the_same_queries_for_one_row_and_for_six(project, alice, api, path):
    version = freeze_pictures(project)
    predicted = [i % 3 for i in range(24)]
    finished(version, predicted, alice)
    api.get(path)  # stores what the first reader computes
    one = queries(api, path)
    for seed in range(1, 6):
        finished(version, predicted, alice, seed=seed)
    api.get(path)
    assert queries(api, path) == one <= 15


def test_a_list_says_the_same_progress_as_each_row(project, alice, api):
    version = freeze_pictures(project)
    finished(version, [0] * 24, alice)
    finished(version, [1] * 24, alice, seed=1)
    for kind in ("runs", "experiments"):
        for row in api.get(f"/api/v1/{kind}/").data["results"]:
            assert row["progress"] == api.get(f"/api/v1/{kind}/{row['id']}/").data["progress"]
            assert row["progress"]["folds_done"] == row["progress"]["folds_total"] == 6


def test_text_is_compressed_for_clients_that_ask_for_it(project, alice, client):
    client.force_login(alice)
    path = f"/projects/{project.slug}/runs/"
    plain, packed = client.get(path), client.get(path, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content).startswith(b"<!doctype html>")
    assert len(packed.content) < len(plain.content) / 2


def test_binary_answers_are_not_compressed():
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    answer = HttpResponse(b"0" * 5000, content_type="application/octet-stream")
    assert "Content-Encoding" not in CompressText(lambda _: answer)(request)
