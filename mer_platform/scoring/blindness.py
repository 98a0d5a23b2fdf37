"""What a score shows: onset and apex of coders are hidden from those who may not see their marks, and what a model
predicts for a clip is hidden from those who still have to code it. Otherwise they would not judge for themselves.
"""

from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from mer_platform.annotation.blindness import blind_clips
from mer_platform.projects.access import researcher_projects
from mer_platform.scoring.models import ScoringItem


class Blindness:
    """What one user may not see of the items of batches; two queries for any number of items, and none for no item."""

    def __init__(self, user: Any) -> None:
        self._user = user

    @cached_property
    def blind(self) -> set[int]:
        """The ids of the clips that the user still has to code."""
        return set(blind_clips(self._user))

    @cached_property
    def _sees_marks_in(self) -> set[int]:
        return set(researcher_projects(self._user))

    def hides(self, item: ScoringItem) -> bool:
        """Return whether the frames of an item are marks that the user may not see. Reads the item's batch."""
        if item.clip_id in self.blind:
            return True
        return item.frames_from in ScoringItem.MARKED and item.batch.project_id not in self._sees_marks_in

    def hides_result(self, item: ScoringItem) -> bool:
        """Return whether the user still has to code the clip, and may not see any of ``ScoringItem.BLIND``.

        Also where its frames are from says something: whether others have marked an expression.
        """
        return item.clip_id in self.blind

    def without_hidden(self, items: "QuerySet[ScoringItem]") -> "QuerySet[ScoringItem]":
        """Leave these clips out: of lists that are chosen or ordered by any of ``ScoringItem.BLIND``."""
        return items.exclude(clip__in=blind_clips(self._user))
