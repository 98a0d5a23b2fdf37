"""What a request with many operations on annotations looks like, and its answer."""

from typing import Any

from rest_framework import serializers

from mer_platform.annotation.coding.serializers import AnnotationSerializer
from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.projects.access import row_id
from mer_platform.rest.schema import ProblemSerializer
from mer_platform.rest.serializers import ApiSerializer

MOST_OPERATIONS = 1000
OPS = ("create", "update", "delete")
CREATE_FIELDS = (
    "key", "clip", "onset", "apex", "offset", "kind", "emotion", "action_units", "confidence", "note", "origin",
    "suggestion",
)  # fmt: skip
FIELDS_OF = {
    "create": ("op", *CREATE_FIELDS),
    "update": ("op", "id", "revision", *CREATE_FIELDS),
    "delete": ("op", "id", "revision"),
}


class LoadedClipField(serializers.PrimaryKeyRelatedField):
    """A clip among those that were read for all operations: ``context["clips"]``."""

    default_error_messages = {"does_not_exist": "Clip {pk_value} not found in your projects."}

    def to_internal_value(self, data: Any) -> Clip:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("incorrect_type", data_type=type(data).__name__)
        clip: Clip | None = self.context["clips"].get(row_id(str(data)))
        if clip is None:
            self.fail("does_not_exist", pk_value=str(data)[:40])
        return clip


class BulkAnnotationSerializer(AnnotationSerializer):
    """An annotation of an operation: checked as a single one, without a query for its clip."""

    clip = LoadedClipField(queryset=Clip.objects.none())


class AnnotationOperationSerializer(AnnotationSerializer):
    """One operation: what to do, with the fields of an annotation."""

    op = serializers.ChoiceField(
        choices=OPS, help_text="An update takes `id` and the fields to change; a delete takes `id`."
    )
    id = serializers.IntegerField(
        required=False, help_text="The annotation to update or delete. A create has none."
    )
    clip = serializers.IntegerField(required=False, help_text="Id of the clip. A create requires it.")
    revision = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="The revision that an update or delete is based on. If the annotation has another one by now, the "
        "operation fails with status 412.",
    )

    class Meta(AnnotationSerializer.Meta):
        model = Annotation
        fields = ["op", "id", "revision", *CREATE_FIELDS]
        read_only_fields: list[str] = []


class AnnotationOperationsSerializer(ApiSerializer):
    """Operations on annotations of the caller, and whether they are carried out only together."""

    operations = serializers.ListField(
        child=AnnotationOperationSerializer(), min_length=1, max_length=MOST_OPERATIONS
    )
    atomic = serializers.BooleanField(
        default=False,
        help_text="Whether nothing is changed if an operation fails. Otherwise, the others are carried out.",
    )


class OperationsFormSerializer(ApiSerializer):
    """What is checked of a request before its operations are checked one by one."""

    operations = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_OPERATIONS
    )
    atomic = serializers.BooleanField(default=False)


class OperationProblemSerializer(ProblemSerializer):
    """Why an operation failed. Pointers lead into the request, for example `/operations/3/onset`."""

    current = AnnotationSerializer(
        required=False, help_text="The annotation as it is stored now, of status 409 and 412."
    )


class AnnotationResultSerializer(ApiSerializer):
    """What became of one operation."""

    index = serializers.IntegerField(help_text="Which operation, counted from 0.")
    op = serializers.CharField()
    status = serializers.IntegerField(
        help_text="The status that a single request would have got: 201, 200 or 204, or that of an error."
    )
    annotation = AnnotationSerializer(
        allow_null=True,
        help_text="The annotation as this operation left it; null if it is deleted or failed.",
    )
    problem = OperationProblemSerializer(allow_null=True, help_text="Why it failed; null if it did not.")


class AnnotationResultsSerializer(ApiSerializer):
    """The result of each operation, in their order."""

    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = AnnotationResultSerializer(many=True)


class OperationsFailedSerializer(ProblemSerializer):
    """Operations of an atomic request failed, so nothing was changed. `errors` names all places."""

    results = AnnotationResultSerializer(
        many=True, required=False, help_text="The results of the operations that failed."
    )
