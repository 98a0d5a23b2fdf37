from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.forms import ClipFilter
from mer_platform.clips.models import Clip


class LabelFilter(ClipFilter):
    """The filters above the list of clips, with one on what was marked in them."""

    label = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Labelled or not"),
            ("queue", "In my queue"),
            ("todo", "Not labelled by me"),
            ("done", "With a consensus"),
            ("none", "No label at all"),
        ],
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def apply(self, clips: QuerySet[Clip]) -> QuerySet[Clip]:
        """Those that fit, with ``mine``, ``agreed`` and ``labelled``: whether there are such marks."""
        marked = Annotation.objects.filter(clip=OuterRef("pk"))
        clips = (
            super()
            .apply(clips)
            .annotate(
                mine=Exists(marked.filter(coder_id=self._user.pk)),
                agreed=Exists(Consensus.objects.filter(clip=OuterRef("pk"))),
                labelled=Exists(marked),
            )
        )
        label = self.cleaned_data["label"] if self.is_valid() else ""
        own = Assignment.objects.filter(coder_id=self._user.pk, done_at__isnull=True)
        labels = {
            "": Q(),
            "queue": Q(pk__in=own.values("clip")),
            "todo": Q(mine=False),
            "done": Q(agreed=True),
            "none": Q(agreed=False, labelled=False),
        }
        return clips.filter(labels[label])
