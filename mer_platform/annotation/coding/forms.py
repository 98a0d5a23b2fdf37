from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.forms import ClipFilter
from mer_platform.clips.models import Clip


class AnnotatedClipFilter(ClipFilter):
    """The filters of the list of clips, including one on annotations."""

    label = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Annotated or not"),
            ("queue", "In my queue"),
            ("todo", "Not annotated by me"),
            ("done", "With a consensus"),
            ("none", "Without annotations"),
        ],
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def apply(self, clips: QuerySet[Clip]) -> QuerySet[Clip]:
        """Return the clips that match, with ``mine``, ``annotated`` and ``agreed``: whether there are such markings.

        Of clips that the user still has to code, only their own markings count.
        """
        open_to_user = ~Q(pk__in=blind_clips(self._user))
        annotations = Annotation.objects.filter(clip=OuterRef("pk"))
        clips = (
            super()
            .apply(clips)
            .annotate(
                mine=Exists(annotations.filter(coder_id=self._user.pk)),
                annotated=Exists(annotations.filter(coder_id=self._user.pk))
                | (Exists(annotations) & open_to_user),
                agreed=Exists(Consensus.objects.filter(clip=OuterRef("pk"))) & open_to_user,
            )
        )
        label = self.cleaned_data["label"] if self.is_valid() else ""
        own = Assignment.objects.filter(coder_id=self._user.pk, done_at__isnull=True)
        conditions = {
            "": Q(),
            "queue": Q(pk__in=own.values("clip")),
            "todo": Q(mine=False),
            "done": Q(agreed=True),
            "none": Q(agreed=False, annotated=False),
        }
        return clips.filter(conditions[label])
