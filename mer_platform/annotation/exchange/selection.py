"""Which annotations of a project are exported: by database, clip and coder, or the consensus."""

from collections import defaultdict
from typing import Any

from django import forms

from mer_platform.annotation.exchange.marked import marked_by_coders, marked_clip, marked_consensus
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.projects.models import Project
from mer_platform.rest.row_choices import SeveralRows
from models_ml.formats import LOSSLESS
from models_ml.formats.base import MarkedClip

CODERS, CONSENSUS = "coders", "consensus"


class SelectionForm(forms.Form):
    """The filters of an export, on the page and in the API's query. All are optional."""

    database = forms.ModelChoiceField(Database.objects.none(), required=False, empty_label="All databases")
    marks = forms.ChoiceField(
        required=False,
        choices=[(CODERS, "Annotations of coders"), (CONSENSUS, "Consensus")],
    )
    coder = forms.ChoiceField(required=False)
    clip = SeveralRows(Clip.objects.none(), required=False)
    q = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project = project
        self.fields["database"].queryset = project.databases.all()  # type: ignore[attr-defined]
        self.fields["clip"].queryset = Clip.objects.filter(project=project)  # type: ignore[attr-defined]
        own = {"clip__project": project}
        coded = Annotation.objects.filter(**own), Assignment.objects.filter(**own, done_at__isnull=False)
        coders = sorted(
            {name for rows in coded for (name,) in rows.order_by().values_list("coder__username")}
        )
        self.fields["coder"].choices = [("", "All coders"), *((name, name) for name in coders)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("marks") == CONSENSUS and cleaned.get("coder"):
            self.add_error(
                "coder", "The consensus does not belong to a coder. Choose a coder or the consensus."
            )
        return cleaned

    def clips(self, kind: str) -> list[MarkedClip]:
        """Return the selected clips with what is marked in them; clips without anything are left out.

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
        paths = ["annotations__coder", "assignments__coder", "consensus__annotation", "consensus__decided_by"]
        if kind == LOSSLESS:
            paths.append("annotations__versions__made_by")
        agreed_only = chosen["marks"] == CONSENSUS
        with_consensus = agreed_only or (kind == LOSSLESS and not chosen["coder"])
        subjects: defaultdict[int, set[str]] = defaultdict(set)
        for database, name in Subject.objects.filter(database__project=self._project).values_list(
            "database", "name"
        ):
            subjects[database].add(name)
        selected: list[MarkedClip] = []
        related = ("subject__database", "project", "judgement__decided_by")
        found = clips.select_related(*related).prefetch_related(*paths)
        for clip in found.iterator(chunk_size=200):
            marked = (
                [] if agreed_only else marked_by_coders(clip, chosen["coder"], with_history=kind == LOSSLESS)
            )
            marked += marked_consensus(clip) if with_consensus else []
            if marked:
                selected.append(marked_clip(clip, frozenset(subjects[clip.database.pk]), marked))
        return selected
