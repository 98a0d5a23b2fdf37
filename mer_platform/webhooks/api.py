"""Webhooks in the API: endpoints, their secrets, and the log of deliveries."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.projects.access import require
from mer_platform.projects.models import Project, Role
from mer_platform.projects.viewsets import InProject, own_related
from mer_platform.rest.errors import Conflict
from mer_platform.rest.links import Link, creator, page_link
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import lists
from mer_platform.webhooks import services
from mer_platform.webhooks.events import EVENTS
from mer_platform.webhooks.models import Attempt, Delivery, Webhook

EVENTS_IN_WORDS = " ".join(f"`{name}`: {words}" for name, words in EVENTS.items())


class WebhookSerializer(ApiModelSerializer):
    project = own_related(Project.objects.all(), "pk")()
    events = serializers.ListField(
        child=serializers.ChoiceField(list(EVENTS)),
        allow_empty=False,
        max_length=len(EVENTS),
        help_text=f"The events that are sent. {EVENTS_IN_WORDS}",
    )
    former_secret_until = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Until when the former secret signs too; null if it does not.",
    )
    created_by = creator()
    href = Link("webhook-api-detail", pk="pk", help_text="Its address in this API.")
    page_url = page_link("webhook")

    class Meta:
        model = Webhook
        fields = [
            "id",
            "project",
            "url",
            "description",
            "events",
            "active",
            "paused_because",
            "failing_since",
            "former_secret_until",
            "created_by",
            "created_at",
            "changed_at",
            "href",
            "page_url",
        ]
        read_only_fields = ["paused_because", "failing_since", "created_at", "changed_at"]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if self.instance is not None:
            fields["project"].read_only = True
        return fields


class WebhookSecretSerializer(ApiSerializer):
    secret = serializers.CharField(
        read_only=True,
        help_text="Shown in this answer only. Requests are signed with it; see the guide to webhooks.",
    )
    former_secret_until = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Until when the former secret signs too."
    )


class NewWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(
        read_only=True,
        help_text="Shown in this answer only. Requests are signed with it; see the guide to webhooks.",
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class AttemptSerializer(ApiModelSerializer):
    class Meta:
        model = Attempt
        fields = ["at", "milliseconds", "address", "status", "answer", "error"]
        read_only_fields = fields


class DeliverySerializer(ApiModelSerializer):
    """One event for one webhook."""

    class Meta:
        model = Delivery
        fields = [
            "id",
            "webhook",
            "event",
            "message_id",
            "state",
            "tries",
            "replays",
            "next_attempt_at",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


class DeliveryDetailSerializer(DeliverySerializer):
    attempts = AttemptSerializer(many=True, read_only=True)
    body = serializers.CharField(
        read_only=True, help_text="The body that is sent, as text: signatures cover its bytes."
    )

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "body", "attempts"]
        read_only_fields = fields


DELIVERIES = lists(
    Delivery,
    {"state": "state", "event": "event"},
    search=["message_id"],
    ordering=["created_at", "finished_at", "tries"],
)


class WebhookViewSet(
    InProject,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
):
    """Addresses of other programs, to which events of a project are sent. Owners manage them; researchers see them.

    Requests are signed as [Standard Webhooks](https://www.standardwebhooks.com) defines. Researchers may also send a test
    event and replay a delivery.
    """

    queryset = Webhook.objects.select_related("project", "created_by")
    serializer_class = WebhookSerializer
    filters = {"project": "project", "active": "active"}
    search_fields = ["url", "description"]
    ordering_fields = ["created_at", "url"]
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    read_role = Role.RESEARCHER

    @property
    def idempotent_posts(self) -> bool:  # type: ignore[override]
        """Whether a key may keep the answer: not if it holds a secret, which is stored nowhere."""
        return self.action not in ("create", "rotate_secret")

    @property
    def write_role(self) -> Role:  # type: ignore[override]
        return Role.RESEARCHER if self.action in ("test", "replay") else Role.OWNER

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def create(self, request: Request) -> Response:
        """Create a webhook. The answer contains its secret, which is never shown again.

        `Idempotency-Key` has no effect here, because the answer is not kept.
        """
        form = WebhookSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        require(request.user, fields["project"], Role.OWNER)
        webhook, secret = services.create_webhook(
            fields["project"],
            fields["url"],
            fields["events"],
            request.user,
            fields.get("description", ""),
            fields.get("active", True),
        )
        answer = Response(
            {**self.get_serializer(webhook).data, "secret": secret}, status=status.HTTP_201_CREATED
        )
        answer["Location"] = request.build_absolute_uri(f"{request.path}{webhook.pk}/")
        answer["Cache-Control"] = "no-store"
        return answer

    def perform_update(self, serializer: Any) -> None:
        """Change a webhook. To activate it ends a pause; to stop it cancels what waits."""
        services.change_webhook(serializer.instance, serializer.validated_data, self.request.user)

    def perform_destroy(self, webhook: Webhook) -> None:
        """Delete a webhook with its log. What waits is not sent."""
        services.delete_webhook(webhook, self.request.user)

    @extend_schema(request=None, responses={200: WebhookSecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Replace the secret, and return the new one once. For 24 hours, requests carry signatures of both."""
        webhook = self.get_object()
        secret = services.rotate_secret(webhook, request.user)
        answer = Response({"secret": secret, "former_secret_until": webhook.former_secret_until})
        answer["Cache-Control"] = "no-store"
        return answer

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a test event (`webhook.test`) once, also while the webhook is paused. Poll the delivery for the outcome."""
        return self._accepted(services.send_test(self.get_object()))

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True, methods=["get"], **DELIVERIES)
    def deliveries(self, request: Request, pk: str) -> Response:
        """List what was sent or waits, latest first. Deliveries are kept for 30 days."""
        return self.paged(self.filter_queryset(self.get_object().deliveries.all()), DeliverySerializer)

    @extend_schema(
        parameters=[OpenApiParameter("delivery", OpenApiTypes.INT, OpenApiParameter.PATH)],
        responses={200: DeliveryDetailSerializer},
    )
    @action(
        detail=True,
        methods=["get"],
        pagination_class=None,
        url_path=r"deliveries/(?P<delivery>[0-9]{1,18})",
    )
    def delivery(self, request: Request, pk: str, delivery: str) -> Response:
        """Return one delivery with its body and attempts."""
        return Response(DeliveryDetailSerializer(self._delivery(delivery)).data)

    @extend_schema(
        request=None,
        parameters=[OpenApiParameter("delivery", OpenApiTypes.INT, OpenApiParameter.PATH)],
        responses={202: DeliverySerializer},
    )
    @action(detail=True, methods=["post"], url_path=r"deliveries/(?P<delivery>[0-9]{1,18})/replay")
    def replay(self, request: Request, pk: str, delivery: str) -> Response:
        """Send a delivery again, with the same id and body (409 while it waits)."""
        found = self._delivery(delivery)
        if not services.replay(found):
            raise Conflict("This delivery is still waiting for an attempt. Replay it when it has ended.")
        return self._accepted(found)

    def _delivery(self, number: str) -> Delivery:
        return get_object_or_404(self.get_object().deliveries.select_related("webhook"), pk=int(number))

    def _accepted(self, delivery: Delivery) -> Response:
        answer = Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)
        path = f"/api/v1/webhooks/{delivery.webhook_id}/deliveries/{delivery.pk}/"
        answer["Location"] = self.request.build_absolute_uri(path)
        answer["Retry-After"] = "1"
        return answer
