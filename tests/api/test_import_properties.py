"""What holds for any import, tried with random markings: it touches only what it overlaps, and it can be undone."""

import random
from dataclasses import replace
from typing import Any

import pytest

from mer_platform.annotation.exchange import services
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.exchange.pairing import overlap
from mer_platform.annotation.marks import CODED_FIELDS, MARKS
from mer_platform.annotation.models import Annotation, Assignment, Consensus, Judgement
from models_ml.formats import annotations
from models_ml.formats.base import RARELY_CODED, Finding, Marked, no_expression
from tests.api.exchange_lab import *  # noqa: F403

pytestmark = [pytest.mark.django_db]
SEEDS = (4, 23, 24, *range(30, 36))  # the first three found errors
OMITTED = ("onset", "apex", "offset", "kind", "emotion", "action_units")


def some_fields(chance: random.Random) -> dict[str, Any]:
    """Return the fields of an expression; each mark may be unset."""
    onset = chance.randrange(80)
    marks = sorted(onset + chance.randrange(20) for _ in MARKS)
    fields: dict[str, Any] = dict(zip(MARKS, marks, strict=True))
    for mark in MARKS:
        if chance.random() < 0.15:
            fields[mark] = None
    fields["kind"] = chance.choice(["micro", "macro"])
    fields["emotion"] = chance.choice(["", "happiness", "disgust"])
    fields["action_units"] = chance.choice(["", "4", "R12A+14"])
    return fields


def near(chance: random.Random, fields: dict[str, Any]) -> dict[str, Any]:
    """Return an expression a few frames from another."""
    shift = chance.randrange(-6, 7)
    marks = {m: min(99, max(0, fields[m] + shift)) for m in MARKS if fields[m] is not None}
    return {**fields, **marks, "emotion": chance.choice(["happiness", "disgust"])}


def some_rows(chance: random.Random, stored: list[dict[str, Any]], coder: str) -> list[Marked]:
    rows = []
    for _ in range(chance.randrange(1, 7)):
        fields = (
            near(chance, chance.choice(stored)) if stored and chance.random() < 0.6 else some_fields(chance)
        )
        silent = {name for name in OMITTED if chance.random() < 0.2} | RARELY_CODED
        source = Marked(clip="006_1_2", coder=coder, unit="index", agreed=not coder, row=len(rows) + 2)
        rows.append(replace(source, silent=frozenset(silent), **fields))
    return rows


@pytest.fixture(params=SEEDS)
def lab(request, samm_clip, alice, anna, project, monkeypatch):
    """A clip with random annotations and a random consensus, and a random file."""
    chance = random.Random(request.param)
    rows: list[Marked] = []
    for coder in (alice, anna):
        stored = [some_fields(chance) for _ in range(chance.randrange(5))]
        for fields in stored:
            made = Annotation.objects.create(clip=samm_clip, coder=coder, note="kept", **fields)
            made.keep_version(coder, "labeler")
        rows += some_rows(chance, stored, coder.username)
    agreed = [some_fields(chance) for _ in range(chance.randrange(3))]
    for fields in agreed:
        Consensus.objects.create(clip=samm_clip, origin="adjudicated", **fields)
    rows += some_rows(chance, agreed, "")
    if chance.random() < 0.3:
        rows += [replace(no_expression(rows[-1]), coder="", agreed=True)]
    monkeypatch.setattr(annotations, "read", lambda *_: Finding(annotations=rows))

    def run(every: str = "") -> AnnotationImport:
        batch = services.check_file(project, alice, "lab.json", b"{}", "names")
        if every:
            services.choose(batch, {}, every)
        services.confirm(batch, alice)
        batch.refresh_from_db()
        return batch

    return rows, run


def everything() -> dict[str, Any]:
    """Return all that an import may change, by what identifies it."""
    fields = ("clip", *CODED_FIELDS, "origin")
    return {
        **{f"annotation {row.pk}": row.content() for row in Annotation.objects.all()},
        **{
            f"consensus {row['pk']}": {name: row[name] for name in (*fields, "annotation", "decided_by")}
            for row in Consensus.objects.values("pk", *fields, "annotation", "decided_by")
        },
        "judgements": list(Judgement.objects.values_list("clip", "decided_by")),
        "assignments": list(Assignment.objects.values_list("clip", "coder", "done_at")),
    }


@pytest.mark.parametrize("every", ["", "change"])
def test_no_import_changes_what_it_does_not_overlap(lab, every):
    rows, run = lab
    before = everything()
    apart = {}
    for stored, kind in [(a, "annotation") for a in Annotation.objects.all()] + [
        (c, "consensus") for c in Consensus.objects.all()
    ]:
        coder = stored.coder.username if kind == "annotation" else ""
        stated = [
            {m: f for m, f in row.marks().items() if m not in row.silent}
            for row in rows
            if row.coder == coder
        ]
        if not any(overlap(marks, stored.frames()) for marks in stated):
            apart[f"{kind} {stored.pk}"] = before[f"{kind} {stored.pk}"]
    run(every)
    after = everything()
    assert {name: after[name] for name in apart} == apart


def test_the_same_file_changes_nothing_the_second_time(lab):
    _, run = lab
    run()
    before = everything()
    again = run()
    assert {e["choice"] for e in [*again.entries, *again.consensus]} <= {"keep"}
    assert everything() == before


@pytest.mark.parametrize("every", ["", "change", "add"])
def test_an_undone_import_leaves_everything_as_it_was(lab, alice, every):
    _, run = lab
    before = everything()
    batch = run(every)
    outcome = services.undo(batch, alice)
    assert outcome.conflicts == []
    assert everything() == before
