"""The slowest ten of all malformed requests and of the largest legal ones, and how long writers wait for keyed ones.

On a database of its own in a file, in this process, without workers. With ``MER_EVERY=9``, it
sends every ninth malformed request, with 0 none.
Milliseconds of the processor and by the clock; no request may take longer than a second.
"""

import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import django

from tests.bench import report

LIMIT_MS = 1000.0
MANY = 1000  # ids, operations and rows of a page
PARALLEL = 8
WORST = 10


def main() -> None:
    """Print one JSON line per request and clock."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MER_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
        django.setup()
        from django.core.management import call_command  # these imports need the setup
        from django.test.utils import setup_test_environment

        setup_test_environment()
        logging.disable(logging.CRITICAL)
        call_command("migrate", interactive=False, verbosity=0)
        if os.environ.get("MER_EVERY") != "0":
            _malformed()
        clips = _legal()
        _keyed(clips)


def _malformed() -> None:
    from mer_platform.annotation.models import Annotation
    from mer_platform.uploads.models import Upload
    from tests.api.access_lab import Lab
    from tests.api.malformed import hand_written, malformed_requests, row_ids
    from tests.api.test_malformed import campaign

    lab = Lab()
    Annotation.objects.update(coder=lab.users["owner"])
    Upload.objects.update(created_by=lab.users["owner"])
    ids = row_ids(lab.rows)
    every = [*malformed_requests(ids), *hand_written(ids)][:: int(os.environ.get("MER_EVERY", 1))]
    found = campaign(lab.client("owner", is_api=True), every)
    print(f"{len(every):,} malformed requests: {dict(sorted(found.statuses.items()))}", flush=True)
    _print_worst("malformed", found.times)


def _legal() -> list[int]:
    """Send the largest legal requests. Return the ids of the clips."""
    from django.contrib.auth.models import User
    from django.db import transaction
    from rest_framework.test import APIClient

    from mer_platform.projects.services import create_project
    from tests.api.list_lab import ListLab

    user = User.objects.create_user("bench")
    api = APIClient(raise_request_exception=False)
    api.force_authenticate(user)
    lab = ListLab(user, create_project("Bench", user))
    with transaction.atomic():
        clips = [lab.a_clip().pk for _ in range(MANY)]
        runs = [lab.a_run().pk for _ in range(MANY)]
    times = []
    for name, method, path, body in _largest(lab, clips, runs):
        api.get("/api/v1/me/")  # a connection that works
        processor, clock = time.thread_time(), time.perf_counter()
        answer = getattr(api, method)(f"/api/v1/{path}", body)
        seconds = time.thread_time() - processor, time.perf_counter() - clock
        assert answer.status_code < 300, (name, answer.status_code, answer.content[:300])
        times.append((*seconds, name))
    _print_worst("largest", times)
    return clips


def _largest(lab: Any, clips: list[int], runs: list[int]) -> Iterator[tuple[str, str, str, Any]]:
    from mer_platform.annotation.models import Annotation
    from mer_platform.experiments.comparison.comparing import MAX_COMPARED
    from tests.api.finished_runs import finished

    yield f"create {MANY} annotations", "post", "annotations/bulk/", _creating(clips)
    rows = Annotation.objects.filter(clip__in=clips).values_list("pk", "revision")
    updates = [{"op": "update", "id": pk, "revision": revision, "apex": 6} for pk, revision in rows]
    yield f"update {MANY} annotations", "post", "annotations/bulk/", {"operations": updates}
    for kind in ("clips", "annotations", "runs", "models", "consensus", "composite-versions"):
        yield f"a page of {MANY} {kind}", "get", f"{kind}/?page_size={MANY}", None
    batch = {"model": lab.a_model().pk, "clips": clips}
    yield f"score {MANY} clips", "post", "scoring-batches/", batch
    lab.version.samples.filter(pk=lab.a_sample().pk).update(subject="sub02")
    compared = [finished(lab.version, [0, 0], lab.user, seed=n).pk for n in range(MAX_COMPARED)]
    asked = "&".join(f"run={pk}" for pk in compared)
    yield f"compare {MAX_COMPARED} runs", "get", f"runs/compare/?{asked}", None
    star = {"ids": runs, "action": "star"}
    yield f"star {MANY} runs", "post", "runs/bulk/", star
    yield f"delete {MANY} runs", "post", "runs/delete/", {"ids": runs}
    coders = {"project": lab.project.pk, "coders": [lab.user.username], "per_clip": 1}
    yield "assign all clips", "post", "assignments/", coders


def _creating(clips: list[int]) -> dict[str, Any]:
    marks = {"op": "create", "onset": 1, "apex": 5, "offset": 9, "emotion": "disgust"}
    return {"operations": [{**marks, "clip": pk} for pk in clips]}


def _keyed(clips: list[int]) -> None:
    """Send eight large batches with keys at once. Report how long another writer waits in the meantime."""
    from django.contrib.auth.models import User
    from django.db import connection
    from rest_framework.test import APIClient

    from mer_platform.projects.models import Project

    user = User.objects.get(username="bench")
    statuses: list[int] = []

    def send(number: int) -> None:
        api = APIClient(raise_request_exception=False)
        api.force_authenticate(user)
        key = {"Idempotency-Key": f"bench-{number}"}
        statuses.append(api.post("/api/v1/annotations/bulk/", _creating(clips), headers=key).status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(PARALLEL)]
    for thread in threads:
        thread.start()
    longest = 0.0
    while any(thread.is_alive() for thread in threads):
        start = time.perf_counter()
        Project.objects.filter(name="Bench").update(description=str(start))
        longest = max(longest, time.perf_counter() - start)
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    what = f"keyed: longest wait of another writer, during {PARALLEL} batches of {MANY}"
    report(what, longest * 1000, "ms", "one second", LIMIT_MS, "at most")
    report("keyed: batches that succeeded", statuses.count(200), "batches", "sent", PARALLEL, "at least")


def _print_worst(kind: str, times: list[tuple[float, float, str]]) -> None:
    for processor, clock, name in sorted(times, reverse=True)[:WORST]:
        report(f"{kind}: {name}, processor", processor * 1000, "ms", "one second", LIMIT_MS, "at most")
        report(f"{kind}: {name}, clock", clock * 1000, "ms", "one second", LIMIT_MS, "at most")
