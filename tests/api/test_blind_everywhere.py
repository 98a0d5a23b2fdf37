"""Each address answers a person with clips to code in the same way: what others marked on these clips does not show.

The test asks all addresses, changes what is hidden from the person, and asks again: the answers must be equal byte for byte.
So neither values nor counts, orders, filters, status codes and ETags give anything away.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.composites.models import Sample
from mer_platform.experiments.models import Prediction
from mer_platform.experiments.models.results import StoredResults
from mer_platform.imports.models import ImportItem
from mer_platform.scoring.models import ScoringItem
from tests.api.access_lab import Lab
from tests.api.access_table import FORMATS
from tests.api.api_schema import operations
from tests.api.routes import Route, routes
from tests.api.test_access_matrix import LINES, Matrix, Rules

pytestmark = pytest.mark.django_db
# What a person may ask for, to find a clip by what is hidden: values by the name of a parameter.
ASKED = {
    "predicted": ["negative", "positive"], "outcome": ["expression", "no_expression"], "emotion": ["disgust", "happiness"],
    "frames_from": ["consensus", "annotated", "spotted"], "confidence": ["sure", "unsure"],
    "origin": ["adopted", "adjudicated"], "label": ["negative", "positive"], "true_label": ["negative", "positive"],
    "search": ["disgust", "happiness", "secret"],
}  # fmt: skip


class World:
    """A project in which a researcher still has to code two clips that others have coded, and that a model has scored."""

    def __init__(self) -> None:
        self.lab = lab = Lab()
        self.matrix = Matrix(lab)
        sample = Sample.objects.order_by("index")[0]
        self.clips = [sample.clip, lab.rows["clip"]]
        batch = lab.rows["scoringbatch"]
        ScoringItem.objects.all().delete()
        for clip in [*self.clips, Sample.objects.order_by("index")[1].clip]:
            item = ScoringItem.objects.create(
                batch=batch, clip=clip, state="done", onset=1, apex=5, frames_from="consensus",
                finished_at=timezone.now(),
            )  # fmt: skip
        lab.rows["scoringitem"] = item
        Consensus.objects.create(
            clip=lab.rows["clip"], onset=1, apex=5, offset=9, emotion="disgust", origin="adopted"
        )
        ImportItem.objects.create(
            batch=lab.rows["import"],
            kind="clip",
            database="CASME II",
            subject="s1",
            name="of s1",
            clip=self.clips[0],
        )
        for clip in self.clips:
            Assignment.objects.create(clip=clip, coder=lab.users["researcher"])
        ScoringItem.objects.filter(clip__in=self.clips).update(frames_from="consensus")
        self.mark("negative", "disgust", 5, 0.9)
        ScoringItem.objects.exclude(clip__in=self.clips).update(
            outcome="expression", predicted="negative", probabilities={"negative": 0.6}, confidence=0.6, margin=0.3,
            entropy=0.4, member_disagreement=0.2, spotter_confidence=0.5,
        )  # fmt: skip

    def mark(self, label: str, emotion: str, apex: int, sure: float) -> None:
        """Change what others marked on the clips, and what models say of them."""
        of_clips = {"clip__in": self.clips}
        marks = {"apex": apex, "emotion": emotion}
        Annotation.objects.filter(**of_clips).update(**marks, note=f"secret {emotion}")
        Consensus.objects.filter(**of_clips).update(**marks)
        Sample.objects.filter(**of_clips).update(**marks, label=label)
        Prediction.objects.filter(sample__clip__in=self.clips).update(
            predicted=label, probabilities=[sure, 1 - sure, 0]
        )
        StoredResults.objects.all().delete()
        ScoringItem.objects.filter(**of_clips).update(
            outcome="expression" if sure > 0.5 else "no_expression", predicted=label, apex=apex, confidence=sure,
            probabilities={label: sure}, margin=sure, entropy=1 - sure, member_disagreement=1 - sure,
        )  # fmt: skip
        ImportItem.objects.filter(**of_clips).update(emotion=emotion)

    def other_marks(self) -> None:
        """Change the marks, their number, and where frames are from."""
        self.mark("positive", "happiness", 7, 0.3)
        clip = self.clips[1]
        Annotation.objects.create(
            clip=clip, coder=self.lab.users["annotator"], onset=2, apex=3, offset=4, emotion="fear"
        )
        Consensus.objects.filter(clip=clip).delete()
        ScoringItem.objects.filter(clip=clip).update(frames_from="spotted", spotter_confidence=0.4)

    def answers(self, route: Route) -> dict[str, tuple[Any, ...]]:
        """Return what each address of a route answers the researcher."""
        client = self.lab.client("researcher", route.is_api)
        url = reverse(route.name, kwargs=self.matrix._variables(route, Rules(LINES[route.name])))
        found = {}
        for query in ["", *queries(route)]:
            answer = client.get(url + query)
            body = b"".join(answer) if getattr(answer, "streaming", False) else answer.content
            text = re.sub(rb"\b[0-9A-Za-z]{64}\b", b"", body)  # tokens of forms
            text = re.sub(rb"<time[^>]*>[^<]*</time>|\d+ per minute", b"", text)
            text = re.sub(rb'"(request_id|instance)":"[^"]*"', b"", text)
            headers = [answer.get(name) for name in ("ETag", "Link", "X-Total-Count")] if route.is_api else []
            found[url + query] = (answer.status_code, *headers, text)
        return found


def _parameters() -> dict[str, list[dict[str, Any]]]:
    return {
        re.sub(r"{\w+}", "{}", path): operation.get("parameters", [])
        for path, method, operation in operations()
        if method == "get"
    }


def queries(route: Route) -> Iterator[str]:
    """Yield the orders and filters of a list of the API that might give marks away."""
    if not route.is_api:
        return
    path = "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "{}", route.pattern).strip("^$")
    for parameter in _parameters().get(path, []):
        name = parameter["name"]
        if name == "ordering":
            for column in parameter["description"].split("`")[1::2]:
                yield f"?ordering={column}&fields=id"
                yield f"?ordering=-{column}"
                yield f"?cursor=&page_size=1&ordering={column}"
        for value in ASKED.get(name, []):
            yield f"?{name}={value}"


def difference(old: tuple[Any, ...], new: tuple[Any, ...]) -> str:
    """Return where two answers differ first, in their contents if these do."""
    first, second = next(pair for pair in reversed(list(zip(old, new, strict=True))) if pair[0] != pair[1])
    at = next((n for n, (a, b) in enumerate(zip(str(first), str(second), strict=False)) if a != b), 0)
    return f"{str(first)[max(at - 60, 0) : at + 60]!r}, then {str(second)[max(at - 60, 0) : at + 60]!r}"


# These show sessions, disks and processes, which change by themselves.
OF_THE_MACHINE = {"sessions", "readyz", "metrics"}


@pytest.mark.parametrize("kind", ["pages", "API"])
def test_answers_do_not_depend_on_hidden_marks(kind):
    world = World()
    asked = [
        r
        for r in routes()
        if "GET" in r.methods and r.is_api == (kind == "API") and r.name not in {*FORMATS, *OF_THE_MACHINE}
    ]
    for route in asked:
        world.answers(route)  # stores what the first reader computes
    before = {route.name: world.answers(route) for route in asked}
    world.other_marks()
    wrong = []
    for route in asked:
        for address, answer in world.answers(route).items():
            if answer != before[route.name][address]:
                wrong.append(f"{route.name} {address}: {difference(before[route.name][address], answer)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("assignment-list", {"coders": ["owner"], "per_clip": 1, "without_consensus": True, "preview": True}),
        (
            "composite-version-list",
            {"name": "Only disgust", "label_map": {"CASME II": {"disgust": "negative"}}},
        ),
        *(
            ("scoring-assign", {"measure": measure, "coders": ["owner"], "preview": True, **limit})
            for measure in ("entropy", "margin")
            for limit in ({"number": 1}, {"threshold": 0.5}, {"number": 9, "without_consensus": False})
        ),
    ],
)
def test_plans_and_drafts_do_not_depend_on_hidden_marks(name, body):
    world = World()
    lab, client = world.lab, world.lab.client("researcher", True)
    address = {
        "assignment-list": "/api/v1/assignments/",
        "composite-version-list": "/api/v1/composite-versions/",
        "scoring-assign": f"/api/v1/scoring-batches/{lab.rows['scoringbatch'].pk}/assign/",
    }[name]
    whole = {**body, **({} if name == "scoring-assign" else {"project": lab.project.pk})}
    if name == "composite-version-list":
        whole["databases"] = [lab.rows["database"].pk]

    def ask() -> tuple[int, bytes]:
        answer = client.post(address, whole, format="json")
        return answer.status_code, re.sub(rb'"request_id":"[^"]*"', b"", answer.content)

    before = ask()
    assert before[0] == (403 if name == "composite-version-list" else 200), before
    world.other_marks()
    assert ask() == before
