"""Whose marks a score shows: onset and apex of coders are hidden from those who may not see their marks."""

from typing import Any

from mer_platform.annotation.blindness import blind_clips
from mer_platform.projects.access import researcher_projects
from mer_platform.scoring.models import ScoringItem


class Blindness:
    """What one user may not see of the items of batches; two queries for any number of items."""

    def __init__(self, user: Any) -> None:
        self._sees_marks_in = set(researcher_projects(user))
        self._blind = set(blind_clips(user))

    def hides(self, item: ScoringItem) -> bool:
        """Return whether the frames of an item are marks that the user may not see. Reads the item's batch."""
        if item.frames_from not in ScoringItem.MARKED:
            return False
        return item.batch.project_id not in self._sees_marks_in or item.clip_id in self._blind
