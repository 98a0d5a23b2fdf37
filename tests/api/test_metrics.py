"""``/metrics``: who may read it, what it shows, and that the dashboard asks for nothing else. And the log of a request."""

import json
import logging
import logging.config
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as platform_settings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from mer_platform.jobs.models import Job, Worker
from mer_platform.operation.metrics.requests import COUNTED
from mer_platform.projects.models import Project
from mer_platform.rest.request_ids import RequestIdFilter, working_on

pytestmark = [pytest.mark.django_db, pytest.mark.services]
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "mer-platform.json"


@pytest.fixture
def token(settings) -> dict[str, str]:
    settings.METRICS_TOKEN = "a secret"
    return {"Authorization": "Bearer a secret"}


def shown(client: Client, headers: dict[str, str]) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return all samples: by name, then by labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_only_the_token_and_the_named_networks_may_read_the_metrics(client, settings):
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a secret"
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer a secret"}).status_code == 200
    settings.METRICS_FROM = ["10.1.0.0/16"]
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    spoofed = {"X-Forwarded-For": "10.1.2.3"}
    assert client.get("/metrics", headers=spoofed, REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.post("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 405


def test_requests_are_counted_by_route_and_status_not_by_address(client, token):
    client.get("/projects/no-such-project/activity/")
    client.get("/nowhere/1")
    client.post("/sign-in/", {"username": "x", "password": "y"})
    found = shown(client, token)
    routes = {dict(labels)["route"] for labels in found["mer_requests_total"]}
    assert {"projects/<slug:slug>/activity/", "unknown", "sign-in/"} <= routes
    assert not [route for route in routes if "no-such" in route]
    assert found["mer_sign_ins_total"][(("result", "refused"),)] >= 1


def test_queues_ended_jobs_and_workers_are_shown(client, token):
    project = Project.objects.create(name="P", slug="p")
    now = timezone.now()

    def job(key: str, **fields: object) -> Job:
        stated = {"kind": "ingest", "queue": "ingest", "project": project, "group": "g", **fields}
        return Job.objects.create(key=key, **stated)

    job("1")
    job("2", held=True)
    job("3", state="failed", started_at=now - timedelta(seconds=9), finished_at=now - timedelta(seconds=5))
    job("4", state="failed", started_at=now - timedelta(hours=3), finished_at=now - timedelta(hours=2))
    Job.objects.filter(key="1").update(created_at=now - timedelta(seconds=100))
    Worker.objects.create(
        name="h:1", host="h", pid=1, device="cpu", queues=["ingest"], last_seen=now, usage={"memory_bytes": 7}
    )
    found = shown(client, token)
    assert found["mer_queue_jobs"][("queue", "ingest"), ("state", "queued")] == 1
    assert found["mer_queue_jobs"][("queue", "ingest"), ("state", "held")] == 1
    assert found["mer_queue_oldest_seconds"][(("queue", "ingest"),)] == pytest.approx(100, abs=30)
    assert found["mer_jobs_ended"][("kind", "ingest"), ("state", "failed")] == 1
    assert found["mer_job_seconds_mean"][("kind", "ingest"), ("state", "failed")] == pytest.approx(4)
    assert found["mer_workers"][("device", "cpu"), ("queue", "ingest")] == 1
    assert found["mer_worker_memory_bytes"][("device", "cpu"), ("worker", "h:1")] == 7
    assert found["mer_disk_free_bytes"][()] > 0


def test_the_metrics_of_an_empty_platform_cost_few_queries(client, token, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        client.get("/metrics", headers=token)


def test_every_query_of_the_dashboard_names_an_exported_metric(client, token):
    client.get("/sign-in/")
    answer = client.get("/metrics", headers=token).content.decode()
    families = {family.name for family in text_string_to_metric_families(answer)}
    families |= {family.name for family in COUNTED.collect()}
    names = {f"{name}{end}" for name in families for end in ("", "_total", "_bucket", "_count", "_sum")}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) >= 12
    used = {word for query in queries for word in re.findall(r"\bmer_\w+", query)}
    assert used <= names
    counted = {"mer_requests", "mer_request_seconds", "mer_sign_ins", "mer_queue_jobs", "mer_jobs_ended"}
    assert counted <= {re.sub("_(total|bucket|count|sum)$", "", name) for name in used}


def test_a_job_keeps_the_id_of_its_request_and_the_workers_log_has_both():
    project = Project.objects.create(name="P", slug="p")
    with working_on(6, ""):
        assert Job.enqueue("ingest", "ingest", project.pk, "0", "g", {}).request_id == ""
    with working_on(7, "from-a-browser"):
        job = Job.enqueue("ingest", "ingest", project.pk, "1", "g", {})
        assert job.request_id == "from-a-browser"
    with working_on(job.pk, job.request_id):
        line = json_line("training")
        assert (line["request_id"], line["job_id"]) == ("from-a-browser", str(job.pk))
        follower = Job.enqueue("score", "scoring", project.pk, "2", "g", {})
    assert follower.request_id == "from-a-browser"
    assert json_line("idle")["job_id"] == "-"


def test_the_access_log_names_route_status_and_request_but_no_query(client):
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    handler.addFilter(RequestIdFilter())
    logger = logging.getLogger("mer_platform.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        client.get("/nowhere/?search=subject-7", headers={"X-Request-ID": "mine"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(platform_settings.LOGGING["loggers"]["mer_platform.access"]["level"])
    line = json.loads(json_formatter().format(lines[0]))
    assert (line["path"], line["status"], line["request_id"]) == ("/nowhere/", 404, "mine")
    assert "subject-7" not in json.dumps(line)


def json_formatter() -> logging.Formatter:
    configurator = logging.config.DictConfigurator({"version": 1})
    return configurator.configure_formatter(dict(platform_settings.LOGGING["formatters"]["json"]))


def json_line(message: str) -> dict[str, str]:
    record = logging.LogRecord("mer", logging.INFO, __file__, 1, message, None, None)
    RequestIdFilter().filter(record)
    return json.loads(json_formatter().format(record))
