"""The clip before and after another one in the order of lists: by database, subject and name.

Only the subjects of the project and the clips of one subject are read, not the whole project.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from mer_platform.clips.models import Clip, Subject


def clip_after(clips: QuerySet[Clip], project_id: int, here: Clip | None = None) -> int | None:
    """Return the id of the first of a project's ``clips`` after ``here``, or of all; None if there is none."""
    return _next(clips, project_id, here, "gt", "")


def clip_before(clips: QuerySet[Clip], project_id: int, here: Clip) -> int | None:
    """Return the id of the last of a project's ``clips`` before ``here``; None if there is none."""
    return _next(clips, project_id, here, "lt", "-")


def _next(clips: QuerySet[Clip], project_id: int, here: Clip | None, beyond: str, sign: str) -> int | None:
    ids = clips.order_by(f"{sign}name").values_list("pk", flat=True)
    subjects = Subject.objects.filter(database__project=project_id)
    if here is not None:
        own = ids.filter(subject=here.subject_id, **{f"name__{beyond}": here.name}).first()
        if own is not None:
            return own
        further = Q(**{f"database__name__{beyond}": here.database.name})
        same = Q(**{"database": here.subject.database_id, f"name__{beyond}": here.subject.name})
        subjects = subjects.filter(further | same)
    wanted = subjects.filter(Exists(clips.filter(subject=OuterRef("pk"))))
    subject = wanted.order_by(f"{sign}database__name", f"{sign}name").values_list("pk", flat=True).first()
    return None if subject is None else ids.filter(subject=subject).first()
