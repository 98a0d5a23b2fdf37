from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from mer_platform.clips.models import Clip, Database, FlowPicture


class DatabaseForm(forms.ModelForm):
    emotions = forms.CharField(
        help_text="The emotions that coders choose from, separated by commas: happiness, disgust, surprise, others.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    class Meta:
        model = Database
        fields = ["name", "fps", "fps_for_videos", "emotions"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["emotions"] = ", ".join(self.instance.emotions)

    def clean_emotions(self) -> list[str]:
        parts = self.cleaned_data["emotions"].replace("\n", ",").split(",")
        emotions = [part.strip() for part in parts if part.strip()]
        if long := [emotion for emotion in emotions if len(emotion) > 40]:
            raise forms.ValidationError(f"“{long[0]}” has more than 40 characters.")
        return list(dict.fromkeys(emotions))

    def clean_name(self) -> str:
        name = self.cleaned_data["name"].strip()
        if (
            Database.objects.filter(project=self.instance.project, name=name)
            .exclude(pk=self.instance.pk)
            .exists()
        ):
            raise forms.ValidationError(f"This project already has a database “{name}”.")
        return name


class ClipFilter(forms.Form):
    """The filters of a list of clips. All are optional."""

    q = forms.CharField(required=False, label="Search")
    database = forms.ModelChoiceField(Database.objects.none(), required=False, empty_label="All databases")
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Clip.State.choices])

    def __init__(self, *args: Any, project: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["database"].queryset = project.databases.all()  # type: ignore[attr-defined]

    def apply(self, clips: QuerySet[Clip]) -> QuerySet[Clip]:
        """Return the rows that match; all rows if a filter is not usable."""
        if not self.is_valid():
            return clips
        chosen = self.cleaned_data
        for word in chosen["q"].split():
            clips = clips.filter(Q(name__icontains=word) | Q(subject__name__icontains=word))
        if chosen["database"]:
            clips = clips.filter(subject__database=chosen["database"])
        if chosen["state"]:
            clips = clips.filter(state=chosen["state"])
        return clips


class PictureFilter(forms.Form):
    """The filters of the list of flow pictures. All are optional."""

    q = forms.CharField(required=False, label="Search")
    database = forms.ModelChoiceField(Database.objects.none(), required=False, empty_label="All databases")

    def __init__(self, *args: Any, project: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["database"].queryset = project.databases.all()  # type: ignore[attr-defined]

    def apply(self, pictures: QuerySet[FlowPicture]) -> QuerySet[FlowPicture]:
        """Return the rows that match; all rows if a filter is not usable."""
        if not self.is_valid():
            return pictures
        for word in self.cleaned_data["q"].split():
            pictures = pictures.filter(
                Q(name__icontains=word) | Q(subject__name__icontains=word) | Q(emotion__icontains=word)
            )
        if self.cleaned_data["database"]:
            pictures = pictures.filter(subject__database=self.cleaned_data["database"])
        return pictures
