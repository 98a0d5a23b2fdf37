"""Who may see whose marks. Coding is blind: coders see each other's marks on a clip only after all of them are done.

Researchers see all marks, except on clips that they still have to code themselves.
"""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.access import researcher_projects
from mer_platform.projects.models import Project

CLIP_IS_DONE = "This clip is done. Reopen it to change your marks."


def blind_clips(user: Any) -> QuerySet[Assignment, Any]:
    """Return the ids of the clips that this user still has to code. No role shows the user others' marks on them."""
    return Assignment.objects.filter(coder_id=user.pk, done_at__isnull=True).values_list("clip", flat=True)


def is_blind(user: Any, clip: Clip) -> bool:
    return blind_clips(user).filter(clip=clip).exists()


def seen_by(user: Any, annotations: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """Return the annotations that this user may see."""
    on_clip = Assignment.objects.filter(clip=OuterRef("clip"))
    all_done = Exists(on_clip.filter(coder_id=user.pk)) & ~Exists(on_clip.filter(done_at__isnull=True))
    others = Q(clip__project__in=researcher_projects(user)) | Q(all_done)
    return annotations.filter(Q(coder_id=user.pk) | (others & ~Q(clip__in=blind_clips(user))))


def sees_others(user: Any, clip: Clip) -> bool:
    """Return whether this user may see all coders' marks on this clip."""
    if is_blind(user, clip):
        return False
    if researcher_projects(user).filter(project=clip.project_id).exists():
        return True
    on_clip = Assignment.objects.filter(clip=clip)
    return on_clip.filter(coder_id=user.pk).exists() and not on_clip.filter(done_at__isnull=True).exists()


def check_sees_all(user: Any, project: Project) -> None:
    """Raise PermissionDenied if the user still has clips of the project to code.

    For pages and files that show all marks of a project at once.
    """
    left = blind_clips(user).filter(clip__project=project).count()
    if left:
        clips = "1 clip" if left == 1 else f"{left} clips"
        raise PermissionDenied(
            f"This shows all coders' marks, and your queue still has {clips} to be coded blind. Finish your queue first, or "
            "ask a researcher to withdraw it."
        )


def done_clips(user: Any, clips: Collection[int]) -> set[int]:
    """Return those of the clips (ids) that this coder has marked as done."""
    own = Assignment.objects.filter(clip__in=clips, coder_id=user.pk, done_at__isnull=False)
    return set(own.values_list("clip", flat=True))


def check_open(user: Any, clip: Clip) -> None:
    """Raise PermissionDenied if this coder has marked the clip as done.

    Afterwards the others' marks may be visible, so a changed coding would no longer be independent.
    """
    if done_clips(user, [clip.pk]):
        raise PermissionDenied(CLIP_IS_DONE)
