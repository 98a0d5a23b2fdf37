"""Choosing clips of a project to score: by database, text and annotation, without listing them all."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip, Database
from mer_platform.projects.access import row_id
from mer_platform.projects.models import Project

MARKED = {
    "": "Annotated or not",
    "no": "Without onset and apex",
    "yes": "With onset and apex",
}


@dataclass(frozen=True)
class ClipChoice:
    """What a form says about the clips."""

    databases: tuple[int, ...] = ()
    search: str = ""
    marked: str = ""
    only: tuple[int, ...] = ()  # ids, where a link names clips

    @classmethod
    def of(cls, asked: QueryDict) -> "ClipChoice":
        return cls(
            tuple(row_id(pk) for pk in asked.getlist("database")),
            asked.get("search", "").strip().replace("\0", "")[:100],
            asked.get("marked", "") if asked.get("marked", "") in MARKED else "",
            tuple(row_id(pk) for pk in asked.getlist("only")),
        )

    def clips(self, project: Project, user: Any) -> QuerySet[Clip]:
        """Return the clips that match, each with ``marked``: whether its onset and apex are annotated.

        Those that the user still has to code count as not annotated, because coding is blind.
        """
        marks = {"clip": OuterRef("pk"), "onset__isnull": False, "apex__isnull": False}
        marked = Exists(Consensus.objects.filter(**marks)) | Exists(Annotation.objects.filter(**marks))
        marked &= ~Q(pk__in=blind_clips(user))
        rows = Clip.objects.filter(project=project, state=Clip.State.READY)
        if self.only:
            rows = rows.filter(pk__in=self.only)
        if self.databases:
            rows = rows.filter(subject__database__in=self.databases)
        for word in self.search.split():
            rows = rows.filter(Q(name__icontains=word) | Q(subject__name__icontains=word))
        rows = rows.select_related("subject__database").annotate(marked=marked)
        return rows.filter(marked=self.marked == "yes") if self.marked else rows


def databases_with_clips(project: Project) -> list[tuple[Database, int]]:
    """Return the databases that have clips to score, each with their number."""
    ready = Count("subjects__clips", filter=Q(subjects__clips__state=Clip.State.READY))
    rows = project.databases.annotate(ready=ready)
    return [(database, database.ready) for database in rows if database.ready]
