"""Which annotations of a project are exported: by database, clip and coder, or the consensus."""

from typing import Any

from django import forms

from mer_platform.annotation.exchange.formats import LOSSLESS
from mer_platform.annotation.exchange.rows import ExportedMarking
from mer_platform.annotation.exchange.timing import TimingCache
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip, Database
from mer_platform.projects.models import Project

CODERS, CONSENSUS = "coders", "consensus"


class SelectionForm(forms.Form):
    """The filters of an export, on the page and in the API's query. All are optional."""

    database = forms.ModelChoiceField(Database.objects.none(), required=False, empty_label="All databases")
    marks = forms.ChoiceField(
        required=False,
        choices=[(CODERS, "Annotations of coders"), (CONSENSUS, "Consensus")],
    )
    coder = forms.ChoiceField(required=False)
    clip = forms.ModelMultipleChoiceField(Clip.objects.none(), required=False)
    q = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project = project
        self.fields["database"].queryset = project.databases.all()  # type: ignore[attr-defined]
        self.fields["clip"].queryset = Clip.objects.filter(project=project)  # type: ignore[attr-defined]
        names = Annotation.objects.filter(clip__project=project).values_list("coder__username", flat=True)
        coders = sorted(set(names.order_by()))
        self.fields["coder"].choices = [("", "All coders"), *((name, name) for name in coders)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("marks") == CONSENSUS and cleaned.get("coder"):
            self.add_error(
                "coder", "The consensus does not belong to a coder. Choose a coder or the consensus."
            )
        return cleaned

    def rows(self, kind: str) -> list[ExportedMarking]:
        """Return the selected markings, clip by clip.

        The lossless format also includes the consensus, unless a coder is selected.
        """
        chosen = self.cleaned_data
        clips = Clip.objects.filter(project=self._project, state=Clip.State.READY)
        if chosen["database"]:
            clips = clips.filter(subject__database=chosen["database"])
        if chosen["clip"]:
            clips = clips.filter(pk__in=chosen["clip"])
        for word in chosen["q"].split():
            clips = clips.filter(name__icontains=word) | clips.filter(subject__name__icontains=word)
        paths = ["annotations__coder", "consensus__annotation", "consensus__decided_by"]
        if kind == LOSSLESS:
            paths.append("annotations__versions__made_by")
        timings = TimingCache()
        agreed_only = chosen["marks"] == CONSENSUS
        with_consensus = agreed_only or (kind == LOSSLESS and not chosen["coder"])
        rows: list[ExportedMarking] = []
        found = clips.select_related("subject__database", "project").prefetch_related(*paths)
        for clip in found.iterator(chunk_size=200):
            if not agreed_only:
                own = [a for a in clip.annotations.all() if chosen["coder"] in ("", a.coder.username)]
                rows += sorted((ExportedMarking(clip, timings, a, a.coder.username) for a in own), key=_order)
            if with_consensus:
                rows += sorted(
                    (ExportedMarking(clip, timings, agreed) for agreed in clip.consensus.all()), key=_order
                )
        return rows


def _order(row: ExportedMarking) -> tuple[str, int, int]:
    """Order by coder and time; annotations without marks come first.

    It is done here because SQLite and PostgreSQL sort nulls differently.
    """
    return row.coder, min(row.marks().values(), default=-1), row.marking.pk
