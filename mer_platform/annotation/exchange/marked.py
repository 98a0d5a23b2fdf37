"""Stored annotations and consensus as the writers of files take them."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from mer_platform.annotation.exchange.timing import timing_of
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from models_ml.formats.base import Marked, MarkedClip


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
        marked=tuple(marked),
    )


def marked_by_coders(annotations: Iterable[Annotation], *, with_history: bool) -> list[Marked]:
    """Return the annotations of a clip in the order of coder and time, with their versions if requested."""
    found = [
        (
            annotation,
            Marked(
                clip=annotation.clip.name,
                coder=annotation.coder.username,
                unit="index",
                silent=frozenset(),
                key=str(annotation.key),
                record=_history(annotation) if with_history else None,
                **{name: getattr(annotation, name) for name in Annotation.FIELDS},
            ),
        )
        for annotation in annotations
    ]
    return [marked for _, marked in sorted(found, key=lambda pair: (pair[1].coder, *_order(pair[0])))]


def marked_consensus(consensus: Iterable[Consensus]) -> list[Marked]:
    """Return the consensus on a clip in the order of time."""
    return [
        Marked(
            clip=agreed.clip.name,
            unit="index",
            agreed=True,
            record={
                "origin": agreed.origin,
                "annotation": str(agreed.annotation.key) if agreed.annotation else None,
                "decided_by": agreed.decided_by.username if agreed.decided_by else None,
                "decided_at": agreed.decided_at.isoformat(),
            },
            **{name: getattr(agreed, name) for name in CODED_FIELDS},
        )
        for agreed in sorted(consensus, key=_order)
    ]


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
