"""What a page of attributions shows: which attribution, and what of it, from the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.core.files.storage import default_storage
from django.db.models import Count, F
from django.http import QueryDict

from mer_platform.experiments.attribution import services
from mer_platform.experiments.models import Attribution, Prediction, Run
from mer_platform.projects.access import row_id
from models_ml.attribution.config import TITLES
from models_ml.attribution.results import KINDS, Attributions
from models_ml.attribution.summary import TARGETS, Summary

TARGET_TITLES = {"predicted": "the predicted class", "true": "the true class"}
KIND_TITLES = {
    "all": "all of the motion",
    "u": "horizontal motion (u)",
    "v": "vertical motion (v)",
    "strain": "strain",
}
PRINTED = {1: 2, 2: 4}  # panels side by side, by the columns of a journal


@dataclass(frozen=True)
class Place:
    """How well the standard face fits the flow images of a run. ``remark``: a sentence, empty if it fits."""

    fits: bool
    remark: str


@dataclass(frozen=True)
class Chosen:
    """What is shown: an attribution that is done, the class that it explains, and the kind of its maps."""

    attribution: Attribution
    target: str
    kind: str
    columns: int = 4  # panels that fit side by side
    printed: bool = False  # for a file, not for a page

    @property
    def run(self) -> Run:
        return self.attribution.run

    @cached_property
    def summary(self) -> Summary:
        return services.summary_of(self.attribution)

    @cached_property
    def place(self) -> Place:
        return place_of(self.run)

    @property
    def about(self) -> str:
        """A sentence for captions: method, motion and class."""
        return f"{self.attribution.title} of {KIND_TITLES[self.kind]}, for {TARGET_TITLES[self.target]}."


class Attributed:
    """The attributions of a run, by method."""

    def __init__(self, run: Run) -> None:
        rows = run.attributions.select_related("job", "created_by").defer("summary").order_by("pk")
        self.done: dict[str, Attribution] = {}
        self.latest: dict[str, Attribution] = {}  # of each method, done or not
        for row in [] if run.is_external else rows:
            row.run = run
            self.latest[row.method] = row
            if row.state == Attribution.State.DONE:
                self.done[row.method] = row

    @property
    def waiting(self) -> bool:
        return any(found.waiting for found in self.latest.values())

    def choose(self, query: QueryDict) -> Chosen | None:
        """Return what ``?method=``, ``?target=``, ``?kind=`` and ``?columns=`` name; the first of each for nonsense.

        None if no attribution of the run is done.
        """
        if not self.done:
            return None
        found = self.done.get(query.get("method", "")) or next(
            self.done[name] for name in TITLES if name in self.done
        )
        target, kind = query.get("target", ""), query.get("kind", "")
        columns = row_id(query.get("columns"))
        if query.get("format"):  # a file for one or two columns of a journal
            columns = PRINTED.get(columns, 0)
        return Chosen(
            found,
            target if target in TARGETS else TARGETS[0],
            kind if kind in KINDS else KINDS[-1],
            min(columns, 12) if columns > 0 else 4,
            bool(query.get("format")),
        )


def place_of(run: Run) -> Place:
    """Return whether the face's regions are where the outline shows them in the flow images of a run."""
    align = run.settings.features.align
    found = run.version.samples.aggregate(pictures=Count("picture"), clips=Count("clip"))
    pictures, clips = found["pictures"], found["clips"]
    if clips and align == "none":
        return Place(
            False,
            "The flow images of this run show the whole frame, not an aligned face, so there is no outline and there are no "
            "regions. Choose the face alignment “similarity” for regions.",
        )
    remarks = []
    if clips and align == "crop":
        remarks.append(
            "The face is cropped, not aligned, so outline and regions are only approximately in their place."
        )
    if pictures:
        which = "All samples are" if not clips else f"{pictures:,} samples are"
        remarks.append(
            f"{which} imported flow pictures. How their makers aligned the face is not known, so outline and regions are "
            "only approximately in their place."
        )
    return Place(True, " ".join(remarks))


def maps_of(attribution: Attribution) -> Attributions:
    """Return the maps of all samples. Raises FileNotFoundError if the file is gone."""
    return _read(attribution.file)


@lru_cache(maxsize=4)  # a file is named by its content, so it never changes; 442 samples take 5 MB
def _read(file: str) -> Attributions:
    with default_storage.open(file) as stored:
        return Attributions.from_bytes(stored.read())


def predictions_of(run: Run) -> list[Prediction]:
    """Return the predictions in the order of the samples, each with ``without``: what its fold held out."""
    rows = run.predictions.select_related("sample").annotate(without=F("fold__name"))
    return list(rows.order_by("sample__index"))


def sample_of(rows: Sequence[Prediction], text: str | None) -> Prediction | None:
    """Return the prediction of the sample with this index, or of the first wrong one, or of the first."""
    asked = row_id(text)
    named = (row for row in rows if row.sample.index == asked)
    wrong = (row for row in rows if row.predicted != row.sample.label)
    return next(named, None) or next(wrong, None) or next(iter(rows), None)
