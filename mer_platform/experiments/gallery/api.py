from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.experiments.comparison.comparing import MAX_COMPARED
from mer_platform.experiments.gallery.asking import KINDS, SORTS, Answer, answer_about, runs_shown
from mer_platform.experiments.gallery.cards import Card, full_cards
from mer_platform.experiments.gallery.images import images_for
from mer_platform.experiments.gallery.outcomes import CONFIDENT
from mer_platform.experiments.models import Run
from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.rest.errors import Refused
from mer_platform.rest.pagination import Pagination
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.views import ApiView
from models_ml.classes import CLASSES
from models_ml.errors import InputError


class PredictedSerializer(ApiSerializer):
    run = serializers.IntegerField()
    predicted = serializers.CharField(
        allow_null=True, help_text="null if the run did not predict the sample."
    )
    correct = serializers.BooleanField(allow_null=True)
    probabilities = serializers.DictField(
        child=serializers.FloatField(), allow_null=True, help_text="By class; null if the run has none."
    )


class ErrorSerializer(ApiSerializer):
    sample = serializers.IntegerField(help_text="Its position in the version.")
    name = serializers.CharField()
    clip = serializers.IntegerField(allow_null=True, help_text="null for a flow picture.")
    picture = serializers.IntegerField(allow_null=True, help_text="null for a clip.")
    database = serializers.CharField()
    subject = serializers.CharField(help_text="With its database, as in “CASME II/sub01”.")
    onset = serializers.IntegerField(allow_null=True)
    apex = serializers.IntegerField(allow_null=True)
    true_label = serializers.CharField()
    predictions = PredictedSerializer(many=True, help_text="In the order of the runs.")
    images = serializers.DictField(
        child=serializers.URLField(),
        help_text="Addresses of PNG images: onset, apex, u, v and strain. Empty while they are not computed.",
    )


class ErrorPageSerializer(ApiSerializer):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ErrorSerializer(many=True)


def _choice(name: str, values: Any, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, enum=list(values), description=words)


class RunErrors(ApiView):
    """The samples that runs get wrong or disagree on."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "run",
                OpenApiTypes.INT,
                many=True,
                description=f"Ids of more runs on the same version, {MAX_COMPARED} in all.",
            ),
            OpenApiParameter(
                "by",
                OpenApiTypes.INT,
                description="The run that kind “wrong”, “predicted” and the confidence refer to. Without it, kind “wrong” "
                "and “predicted” hold if they hold for at least one run, and the confidence is that of the first.",
            ),
            _choice(
                "kind",
                KINDS,
                f"“confident” is wrong with a probability of at least {CONFIDENT}. By default “wrong”, and for several runs "
                "“disagree”.",
            ),
            _choice("true", CLASSES, "Only samples of this class."),
            _choice("predicted", CLASSES, "Only samples that are predicted to be of this class."),
            OpenApiParameter("database", OpenApiTypes.STR, description="Only samples of this database."),
            OpenApiParameter(
                "subject",
                OpenApiTypes.STR,
                description="Only samples of this subject, as in “CASME II/sub01”.",
            ),
            _choice("sort", SORTS, "By default “confidence”, and for several runs “disagreement”."),
            OpenApiParameter(
                "features", OpenApiTypes.INT, description="Feature set whose images are shown, by id."
            ),
            OpenApiParameter("page", OpenApiTypes.INT),
            OpenApiParameter("page_size", OpenApiTypes.INT),
        ],
        responses=ErrorPageSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """List samples with the prediction of each run, filtered and sorted as on the page *Errors as images*.

        For researchers only, because samples show the annotations of others.
        """
        own = Run.objects.filter(project__in=Project.objects.of(request.user).values("pk"))
        run = get_object_or_404(own.select_related("project"), pk=pk)
        require(request.user, run.project, Role.RESEARCHER)
        if hidden := why_scores_hidden(request.user, run.version_id):
            raise PermissionDenied(hidden)
        try:
            runs = runs_shown([str(pk), *request.query_params.getlist("run")], run.project, request.user)
            answer = answer_about(runs, request.query_params)
        except InputError as error:
            raise Refused(str(error)) from error
        return self._page(request, answer, run.project)

    def _page(self, request: Request, answer: Answer, project: Project) -> Response:
        pages = Pagination()
        indices: Any = pages.paginate_queryset(answer.indices, request, view=self)
        images = images_for(answer.reference, answer.question.features)
        address = [answer.outcomes.version.pk, images.features.pk] if images.features else []

        def addresses(card: Card) -> dict[str, str]:
            return {
                image.part: request.build_absolute_uri(
                    reverse("feature-set-picture", args=[*address, card.sample.index, image.part])
                )
                for image in card.images
                if image.address
            }

        rows = [
            {**_row(card), "images": addresses(card)} for card in full_cards(answer, indices, images, project)
        ]
        return pages.get_paginated_response(rows)


def _row(card: Card) -> dict[str, Any]:
    sample = card.sample
    return {
        "sample": sample.index,
        "name": sample.name,
        "clip": sample.clip_id,
        "picture": sample.picture_id,
        "database": sample.database,
        "subject": sample.subject_key,
        "onset": sample.onset,
        "apex": sample.apex,
        "true_label": sample.label,
        "predictions": [line.as_json() for line in card.lines],
    }
