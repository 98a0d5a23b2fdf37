"""What the labeler needs to open a clip: on the clip's page as attributes, and as JSON when it opens the next clip."""

from bisect import bisect_left
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from mer_platform.annotation.coding.queue import next_clip_url
from mer_platform.clips.models import Clip
from mer_platform.clips.order import clip_after, clip_before
from mer_platform.clips.packindex import read_index
from mer_platform.projects.models import Role
from models_ml.errors import InputError

# Fetched from the frame pack before any script runs: the first frame, and the next ones that fit.
HEAD_BYTES = 256 * 1024
STATIC = settings.BASE_DIR / "frontend" / "static"
_WORKER = "js/labeler/frames/decode-worker.js"


def labeler_modules(root: Path = STATIC) -> list[str]:
    """Return the labeler's ES modules as static names.

    The page's head lists them, so that the browser loads all at once instead of one import after another.
    """
    own = sorted(path.relative_to(root).as_posix() for path in (root / "js" / "labeler").rglob("*.js"))
    return ["js/http.js", "js/confirm.js", *(name for name in own if name != _WORKER)]


def opening(clip: Clip, role: Role, frame: int = 0, *, locked: bool = False) -> dict[str, Any]:
    """Return the addresses and settings with which ``<mer-labeler>`` opens a ready clip at a frame.

    ``locked`` opens it read-only, because the coder has marked the clip as done.
    """
    coder = role.includes(Role.ANNOTATOR)
    slug = clip.project.slug
    version = f"?v={quote(clip.frames_version)}"
    pack_url = reverse("clip-pack", args=[clip.pk]) + version
    first, last = _head(clip, frame)
    database_url = reverse("database-detail", args=[clip.database.pk])
    return {
        "clip": clip.pk,
        "name": clip.name,
        "page_url": reverse("clip", args=[slug, clip.pk]),
        "frames_url": reverse("clip-frames", args=[clip.pk]) + version,
        "pack_url": pack_url,
        "head_url": f"{pack_url}&first={first}&last={last}" if last > first else "",
        "emotions": clip.database.emotions,
        "database_url": database_url if role.includes(Role.RESEARCHER) else "",
        "readonly": not coder or locked,
        "next_url": next_clip_url(clip.project_id, clip.pk) if coder else "",
    }


def neighbours(clip: Clip) -> dict[str, int | None]:
    """Return the ids of the ready clips before and after this one."""
    ready = Clip.objects.filter(project=clip.project_id, state=Clip.State.READY)
    if clip.state != Clip.State.READY:
        return {"previous": None, "next": None}
    return {
        "previous": clip_before(ready, clip.project_id, clip),
        "next": clip_after(ready, clip.project_id, clip),
    }


def _head(clip: Clip, frame: int) -> tuple[int, int]:
    """Return the first and last byte of the frame and of the next frames that fit into ``HEAD_BYTES``.

    (0, 0) if the index of the frame pack is missing or damaged.
    """
    try:
        offsets = read_index(clip).offsets
    except (OSError, InputError):
        return 0, 0  # the labeler shows the error when it asks for the index itself
    frame = min(max(frame, 0), len(offsets) - 2)
    end = bisect_left(offsets, offsets[frame] + HEAD_BYTES + 1) - 1
    return offsets[frame], offsets[max(end, frame + 1)] - 1
