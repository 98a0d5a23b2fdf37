"""Who may see whose marks. Coding is blind: a coder sees the others' marks on a clip once all its coders are done.

Researchers see every mark, except on a clip that they are still to code themselves.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.access import researcher_projects
from mer_platform.projects.models import Project


def blind_clips(user: Any) -> QuerySet[Assignment, Any]:
    """Ids of the clips this user is still to code: whatever the role, no mark of others is shown on them."""
    return Assignment.objects.filter(coder_id=user.pk, done_at__isnull=True).values_list("clip", flat=True)


def is_blind(user: Any, clip: Clip) -> bool:
    return blind_clips(user).filter(clip=clip).exists()


def seen_by(user: Any, annotations: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """Those of ``annotations`` whose marks this user may see."""
    on_clip = Assignment.objects.filter(clip=OuterRef("clip"))
    all_done = Exists(on_clip.filter(coder_id=user.pk)) & ~Exists(on_clip.filter(done_at__isnull=True))
    others = Q(clip__project__in=researcher_projects(user)) | Q(all_done)
    return annotations.filter(Q(coder_id=user.pk) | (others & ~Q(clip__in=blind_clips(user))))


def sees_others(user: Any, clip: Clip) -> bool:
    """Whether this user may see every coder's marks on this clip."""
    if is_blind(user, clip):
        return False
    if researcher_projects(user).filter(project=clip.project_id).exists():
        return True
    on_clip = Assignment.objects.filter(clip=clip)
    return on_clip.filter(coder_id=user.pk).exists() and not on_clip.filter(done_at__isnull=True).exists()


def check_sees_all(user: Any, project: Project) -> None:
    """Refuse (PermissionDenied) what shows all marks of a project at once to somebody who is still to code some blind."""
    left = blind_clips(user).filter(clip__project=project).count()
    if left:
        clips = "clip that is" if left == 1 else "clips that are"
        raise PermissionDenied(
            f"This shows everybody's marks, and your queue holds {left} {clips} to be coded blind. Finish your queue "
            "first, or have it taken back."
        )


def check_open(user: Any, clip: Clip) -> None:
    """Refuse (PermissionDenied) to change the marks of a coder who said "done" with this clip.

    After that the others' marks may be in sight: a change would be no independent coding any more.
    """
    if Assignment.objects.filter(clip=clip, coder_id=user.pk, done_at__isnull=False).exists():
        raise PermissionDenied("You are done with this clip. Open it again to change your marks.")
