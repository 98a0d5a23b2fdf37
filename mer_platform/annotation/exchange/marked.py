"""Stored annotations and consensus as the writers of files take them."""

from dataclasses import replace
from functools import partial
from typing import Any

from mer_platform.annotation.exchange.timing import timing_of
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Annotation, Consensus, Judgement
from mer_platform.clips.models import Clip
from models_ml.formats.base import Marked, MarkedClip, no_expression


def marked_clip(clip: Clip, subjects: frozenset[str], marked: list[Marked]) -> MarkedClip:
    """Return the clip for a writer; ``subjects`` are all of its database."""
    return MarkedClip(
        database=clip.database.name,
        subject=clip.subject.name,
        name=clip.name,
        file=clip.original_name,
        sha256=clip.sha256,
        fps=str(clip.fps),
        frame_count=clip.frame_count,
        first_source_number=clip.first_source_number,
        load_timing=partial(timing_of, clip),
        subjects=subjects,
        emotions=tuple(clip.database.emotions),
        marked=tuple(marked),
    )


def marked_by_coders(clip: Clip, coder: str = "", *, with_history: bool = False) -> list[Marked]:
    """Return what coders, or one of them, marked in a clip, in the order of coder and time; with all versions if requested.

    A coder who is done with the clip without an annotation states that it shows no expression.
    """
    done = {a.coder.username: a.done_at.isoformat() for a in clip.assignments.all() if a.done_at}
    annotations = sorted(clip.annotations.all(), key=_order)
    found = [
        Marked(
            clip=clip.name,
            coder=annotation.coder.username,
            unit="index",
            silent=frozenset(),
            key=str(annotation.key),
            record={**_history(annotation), "done_at": done.get(annotation.coder.username)}
            if with_history
            else None,
            **{name: getattr(annotation, name) for name in Annotation.FIELDS},
        )
        for annotation in annotations
    ]
    nothing = no_expression(Marked(clip=clip.name, unit="index"))
    found += [
        replace(nothing, coder=name, record={"done_at": done[name]})
        for name in done.keys() - {marked.coder for marked in found}
    ]
    return sorted((m for m in found if coder in ("", m.coder)), key=lambda m: m.coder)


def marked_consensus(clip: Clip) -> list[Marked]:
    """Return the consensus on a clip in the order of time, or the judge's decision that it shows no expression."""
    judgement = getattr(clip, "judgement", None)
    decision = None if judgement is None else _decision(judgement)
    found = [
        Marked(
            clip=clip.name,
            unit="index",
            agreed=True,
            record={
                "origin": agreed.origin,
                "annotation": str(agreed.annotation.key) if agreed.annotation else None,
                **_decision(agreed),
                "judgement": decision,
            },
            **{name: getattr(agreed, name) for name in CODED_FIELDS},
        )
        for agreed in sorted(clip.consensus.all(), key=_order)
    ]
    if found or judgement is None:
        return found
    return [replace(no_expression(Marked(clip=clip.name, unit="index")), agreed=True, record=decision)]


def _decision(decided: Consensus | Judgement) -> dict[str, Any]:
    by = decided.decided_by
    return {"decided_by": by.username if by else None, "decided_at": decided.decided_at.isoformat()}


def _order(marking: Annotation | Consensus) -> tuple[int, int]:
    """Order by time; annotations without marks come first. SQLite and PostgreSQL sort nulls differently."""
    return min(marking.frames().values(), default=-1), marking.pk


def _history(annotation: Annotation) -> dict[str, Any]:
    return {
        "revision": annotation.revision,
        "created_at": annotation.created_at.isoformat(),
        "updated_at": annotation.updated_at.isoformat(),
        "versions": [
            {
                "revision": version.revision,
                "content": version.content,
                "made_by": version.made_by.username if version.made_by else None,
                "made_at": version.made_at.isoformat(),
                "client": version.client,
            }
            for version in annotation.versions.all()
        ],
    }
