"""What a request to score clips may say, and what it means. Lists of thousands of items are checked with a few queries."""

import json
import uuid
from math import isfinite
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project
from mer_platform.projects.viewsets import own_related
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.scoring.models import HIGHEST, LOWEST

MOST = 10_000  # items of a batch
MOST_FILES = 1000  # uploaded in one request
LEAST_FPS, MOST_FPS = 1, 10_000
PLACES = ("clip", "upload", "file", "path")
Errors = dict[str, list[str]]


class ItemSerializer(ApiSerializer):
    """One clip to score: exactly one of `clip`, `upload`, `file` and `path`."""

    clip = serializers.IntegerField(required=False, help_text="Id of a clip of the project.")
    upload = serializers.CharField(required=False, help_text="Id of a finished upload.")
    file = serializers.CharField(
        required=False, help_text="Name of one of `files`, or of a video or folder in `archive`."
    )
    path = serializers.CharField(
        required=False,
        help_text="A video, or a folder with the frames of one clip, below the import folder. With `storage:` in front, a "
        "key below `import/` in the platform's storage.",
    )
    onset = serializers.IntegerField(required=False, min_value=0, help_text="Frame index; give `apex` too.")
    apex = serializers.IntegerField(required=False, min_value=1, help_text="Frame index after the onset.")
    name = serializers.CharField(
        required=False, max_length=120, help_text="What to call the item in results."
    )
    subject = serializers.CharField(
        required=False, max_length=60, help_text="Whose face a new clip shows. Default: “unknown”."
    )
    fps = serializers.FloatField(
        required=False,
        min_value=LEAST_FPS,
        max_value=MOST_FPS,
        help_text="Recording rate of a new clip. Frame images need one, here or for the whole request.",
    )


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class ModelField(serializers.Field):
    """An id, or an alias; which models there are is checked with the project."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, str) and (data.startswith("@") or data.isdecimal()) and len(data) <= 60:
            return data if data.startswith("@") else int(data)
        if _whole_problem(data):
            raise serializers.ValidationError("Give the id of a model, or an alias such as “@production”.")
        return int(data)


@extend_schema_field({"type": "array", "maxItems": MOST, "items": {"type": "integer"}})
class ClipsField(serializers.Field):
    """Ids, of which only the type is checked here."""

    def to_internal_value(self, data: Any) -> list[int]:
        return _list(data, "ids of clips", _whole_problem)


@extend_schema_field(ItemSerializer(many=True))
class ItemsField(serializers.Field):
    """Items, checked by hand: the serializer would take a second for a batch of the largest size."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        return _list(data, "items", item_problems)


def _list(data: Any, what: str, problem: Any) -> list[Any]:
    """Return the list. Raises ValidationError for anything else, or with the problems of its elements, by position."""
    if isinstance(data, str):  # a part of a form
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError(f"This must be a list of {what} as JSON.") from error
    if not isinstance(data, list):
        raise serializers.ValidationError(f"This must be a list of {what}.")
    if len(data) > MOST:
        raise serializers.ValidationError(
            f"A batch has at most {MOST:,} items; these are {len(data):,}. Split them."
        )
    if wrong := {number: found for number, value in enumerate(data) if (found := problem(value))}:
        raise serializers.ValidationError(wrong)  # type: ignore[arg-type]
    return data


def _whole_problem(value: Any) -> list[str]:
    return [] if type(value) is int and 0 < value < 1 << 63 else ["An id is a whole number above 0."]


def item_problems(item: Any) -> Errors | list[str]:
    """Return what is wrong with an item, by field; empty if nothing is. Ids and names are not looked up here.

    >>> item_problems({"clip": 3, "onset": 4, "apex": 4})["apex"][0]
    'The apex (frame 4) must come after the onset (frame 4).'
    """
    if not isinstance(item, dict):
        return ["An item is an object with one of clip, upload, file and path."]
    errors: Errors = {}
    given = [place for place in PLACES if place in item]
    if len(given) != 1:
        errors["non_field_errors"] = [f"Give exactly one of clip, upload, file and path, not {len(given)}."]
    for name, value in item.items():
        check = _CHECKS.get(name)
        if check is None:
            known = ", ".join(_CHECKS)
            errors[str(name)[:60]] = [ErrorDetail(f"Unknown field. An item has {known}.", "unknown_field")]
        elif found := check(value):
            errors[name] = [found]
    if not errors and ("onset" in item) != ("apex" in item):
        errors["non_field_errors"] = ["Give both onset and apex, or neither."]
    if not errors and "apex" in item and item["apex"] <= item["onset"]:
        errors["apex"] = [
            f"The apex (frame {item['apex']}) must come after the onset (frame {item['onset']})."
        ]
    return errors


def _id(value: Any) -> str:
    return "" if not _whole_problem(value) else "An id is a whole number above 0."


def _frame(value: Any) -> str:
    return "" if type(value) is int and 0 <= value < 1 << 31 else "A frame index is a whole number from 0."


def _apex(value: Any) -> str:
    return _frame(value) or ("The apex must come after the onset, so it is 1 or more." if value == 0 else "")


def _rate(value: Any) -> str:
    is_number = type(value) in (int, float) and isfinite(value)
    return (
        ""
        if is_number and LEAST_FPS <= value <= MOST_FPS
        else f"A rate is from {LEAST_FPS} to {MOST_FPS:,} fps."
    )


def _upload(value: Any) -> str:
    try:
        uuid.UUID(value if isinstance(value, str) else "")
    except ValueError:
        return "This must be the id of an upload."
    return ""


def _text(most: int) -> Any:
    def check(value: Any) -> str:
        if isinstance(value, str) and value.strip() and len(value) <= most and "\0" not in value:
            return ""
        return f"This must be a text of 1 to {most} characters."

    return check


_CHECKS = {
    "clip": _id, "upload": _upload, "file": _text(1000), "path": _text(900), "onset": _frame, "apex": _apex,
    "name": _text(120), "subject": _text(60), "fps": _rate,
}  # fmt: skip


class BatchChangeSerializer(ApiSerializer):
    """What can be changed of a batch."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    priority = serializers.IntegerField(
        required=False,
        min_value=LOWEST,
        max_value=HIGHEST,
        help_text="The highest goes first; also changes the order of clips that wait.",
    )


class StartBatchSerializer(ApiSerializer):
    """A request to score clips, as JSON. `clips` and `items` can be given together."""

    model = ModelField(
        required=False,
        help_text="Id of a model, or an alias such as `@production` together with `project`. Alternative to `run`.",
    )
    project = own_related(Project.objects.all(), "pk")(
        required=False, help_text="Id of the project whose alias `model` is."
    )
    run = own_related(Run.objects.select_related("project"), "project")(
        required=False, help_text="Id of a finished run, whose model is used. Alternative to `model`."
    )
    clips = ClipsField(
        required=False,
        help_text="Ids of clips. Onset and apex are those of the consensus, otherwise of the only annotation, otherwise "
        "spotted.",
    )
    items = ItemsField(
        required=False,
        help_text="Clips, uploads and paths, each with the onset and apex to use, if they are known.",
    )
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=120, help_text="Name of the batch."
    )
    priority = serializers.IntegerField(
        default=0, min_value=LOWEST, max_value=HIGHEST, help_text="The highest goes first."
    )
    calibrated = serializers.BooleanField(
        default=False, help_text="Apply the temperature of the model, fitted on its held-out predictions."
    )
    leave_out_training = serializers.BooleanField(
        default=False, help_text="Do not score clips that were in the model's training data."
    )
    database = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=60,
        help_text="Name of the database that gets new clips, created if there is none. Default: “Scoring uploads”.",
    )
    fps = serializers.FloatField(
        required=False,
        min_value=LEAST_FPS,
        max_value=MOST_FPS,
        help_text="Recording rate of new clips for which their item states none.",
    )


class UploadBatchSerializer(StartBatchSerializer):
    """The same as a form with files: `clips` and `items` are then texts of JSON, and can be left out."""

    takes_texts = True

    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        required=False,
        max_length=MOST_FILES,
        help_text="Videos, and zips of the frame images of one clip. Each is an item, described by the item that names it.",
    )
    archive = serializers.FileField(
        required=False,
        allow_empty_file=True,
        help_text="A zip of several clips: each video is one, and so are the frame images of each folder.",
    )
