"""Sending doubtful clips of a scoring batch to coders, in the API."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.annotation.assignments.planning import coders_of
from mer_platform.projects.access import require
from mer_platform.projects.models import Role
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import ApiView
from mer_platform.scoring.api import own_batch
from mer_platform.scoring.doubt import (
    DoubtCriteria,
    DoubtPlan,
    Measure,
    assign_doubtful,
    measures_of,
    plan_doubtful,
)


class AssignDoubtfulSerializer(ApiSerializer):
    measure = serializers.ChoiceField(Measure.choices, help_text="What doubt is measured by.")
    number = serializers.IntegerField(
        required=False, min_value=1, max_value=10_000, help_text="How many clips, the most doubtful first."
    )
    threshold = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        help_text="Only clips that are at least so doubtful: at or above it for `entropy` and `member_disagreement`, at or "
        "below it for `margin` and `spotter_confidence`. Give `number`, `threshold` or both.",
    )
    coders = serializers.ListField(
        child=serializers.CharField(max_length=150),
        allow_empty=False,
        max_length=1000,
        help_text="Usernames of members who may annotate.",
    )
    per_clip = serializers.IntegerField(default=1, min_value=1, help_text="Number of coders per clip.")
    without_consensus = serializers.BooleanField(
        default=True, help_text="Leave out clips that have a consensus: their labels are known."
    )
    preview = serializers.BooleanField(default=False, help_text="Only count; assign nothing.")


class DoubtfulSerializer(ApiSerializer):
    """What is assigned, or would be."""

    clips = serializers.IntegerField(help_text="Clips that are assigned.")
    assignments = serializers.IntegerField(help_text="Pairs of a clip and a coder.")
    scored = serializers.IntegerField(
        help_text="Clips of the batch that have the measure and pass the threshold."
    )
    with_consensus = serializers.IntegerField(
        help_text="More doubtful clips left out because of their consensus."
    )
    with_coders = serializers.IntegerField(
        help_text="More doubtful clips left out because they are coded by, or assigned to, enough coders."
    )
    annotated = serializers.IntegerField(
        help_text="Clips among `clips` that someone has annotated, who does not get them again."
    )
    per_coder = serializers.DictField(child=serializers.IntegerField(), help_text="New clips by username.")
    most_doubtful = serializers.FloatField(allow_null=True, help_text="The measure of the first clip.")
    least_doubtful = serializers.FloatField(allow_null=True, help_text="The measure of the last clip.")


class AssignDoubtful(ApiView):
    """Doubtful clips of a scoring batch, for coders."""

    @extend_schema(
        request=AssignDoubtfulSerializer, responses={201: DoubtfulSerializer, 200: DoubtfulSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Assign the most doubtful clips to coders, in order of doubt (201). With `preview`, only count (200).

        They become ordinary assignments, at the end of each coder's queue, with a note that names the batch.
        Clips that you still have to code yourself are left out, because coding is blind.
        """
        batch = own_batch(request.user, pk)
        require(request.user, batch.project, Role.RESEARCHER)
        form = AssignDoubtfulSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        criteria = self._criteria(batch, fields)
        try:
            preview = fields["preview"]
            make = plan_doubtful if preview else assign_doubtful
            plan = make(batch, criteria, request.user)
        except DjangoValidationError as error:
            if not hasattr(error, "error_dict"):
                raise serializers.ValidationError({"measure": error.messages}) from error
            raise serializers.ValidationError(error.message_dict) from error
        code = status.HTTP_200_OK if fields["preview"] else status.HTTP_201_CREATED
        return Response(_answer(plan, criteria), status=code)

    def _criteria(self, batch: Any, fields: dict[str, Any]) -> DoubtCriteria:
        names = set(fields["coders"])
        coders = list(coders_of(batch.project).filter(username__in=names))
        if unknown := sorted(names - {coder.username for coder in coders}):
            listed = ", ".join(f"“{name}”" for name in unknown[:20])
            raise serializers.ValidationError(
                {"coders": [f"Not members of {batch.project} who may annotate: {listed}."]}
            )
        measure = Measure(fields["measure"])
        if measure not in (known := measures_of(batch)):
            has = ", ".join(known) or "no measure yet, because nothing is scored"
            raise serializers.ValidationError(
                {"measure": [f"No clip of this batch has it. The batch has {has}."]}
            )
        return DoubtCriteria(
            measure,
            coders,
            fields.get("number"),
            fields.get("threshold"),
            fields["per_clip"],
            fields["without_consensus"],
        )


def _answer(plan: DoubtPlan, criteria: DoubtCriteria) -> dict[str, Any]:
    most, least = plan.range or (None, None)
    return {
        "clips": plan.clips,
        "assignments": len(plan.entries),
        "scored": plan.fitting,
        "with_consensus": plan.agreed,
        "with_coders": plan.covered,
        "annotated": plan.annotated,
        "per_coder": {coder.username: plan.per_coder[coder.pk] for coder in criteria.coders},
        "most_doubtful": most,
        "least_doubtful": least,
    }
