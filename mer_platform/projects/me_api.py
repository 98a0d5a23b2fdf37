"""The REST API of the caller's account: who they are, and their tokens."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from mer_platform.projects.models import DEFAULT_DAYS, ApiToken, Membership, Project, only_projects
from mer_platform.projects.viewsets import own_related
from mer_platform.rest.links import Link
from mer_platform.rest.scopes import EVERYTHING, SCOPES
from mer_platform.rest.serializers import ApiModelSerializer, ApiSerializer
from mer_platform.rest.views import ApiView, ApiViewSet


def default_expiry() -> datetime:
    """Return when a token expires that is made without saying so."""
    return timezone.now() + timedelta(days=DEFAULT_DAYS)


class TokenSerializer(ApiModelSerializer):
    scopes = serializers.ListField(
        child=serializers.CharField(), help_text=f"“{EVERYTHING}” is every scope. Writing includes reading."
    )
    limited = serializers.BooleanField(
        help_text="Whether it works only in `projects`. If not, it works in all of yours."
    )
    has_expired = serializers.BooleanField()
    url = Link("me-token-detail", pk="pk")
    page_url = Link("tokens", alone=True, help_text="Your tokens in the browser.")

    class Meta:
        model = ApiToken
        fields = [
            "id", "name", "prefix", "scopes", "limited", "projects", "created_at", "last_used_at", "expires_at",
            "has_expired", "url", "page_url",
        ]  # fmt: skip
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    secret = serializers.CharField(help_text="The token. It is shown only here: its hash alone is stored.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class CreateTokenSerializer(ApiSerializer):
    name = serializers.CharField(max_length=60, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField([EVERYTHING, *SCOPES]),
        allow_empty=False,
        max_length=len(SCOPES) + 1,
        required=False,
        help_text=f"What it may do. Default: “{EVERYTHING}”, all that you may.",
    )
    projects = own_related(Project.objects.all(), "pk")(
        many=True,
        required=False,
        help_text="Ids of the only projects in which it works. Default: all of yours.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text=f"Null: never. Default: in {DEFAULT_DAYS} days."
    )

    def validate_expires_at(self, at: datetime | None) -> datetime | None:
        if at is not None and at <= timezone.now():
            raise serializers.ValidationError("The time must be in the future.")
        return at


class AccountProjectSerializer(ApiModelSerializer):
    id = serializers.IntegerField(source="project.pk")
    name = serializers.CharField(source="project.name")
    slug = serializers.CharField(source="project.slug")

    class Meta:
        model = Membership
        fields = ["id", "name", "slug", "role"]


class AccountSerializer(ApiModelSerializer):
    projects = serializers.SerializerMethodField(help_text="Your projects, with your role in each.")
    token = serializers.SerializerMethodField(
        help_text="The API token of this request; null for a signed-in browser."
    )

    class Meta:
        model = User
        fields = ["id", "username", "first_name", "last_name", "email", "date_joined", "projects", "token"]
        read_only_fields = ["id", "username", "date_joined"]

    @extend_schema(responses=AccountProjectSerializer(many=True))
    def get_projects(self, user: User) -> Any:
        own = Membership.objects.filter(user=user).select_related("project").order_by("project__name", "pk")
        if (only := only_projects(user)) is not None:
            own = own.filter(project__in=only)
        return AccountProjectSerializer(own, many=True).data

    @extend_schema(responses=TokenSerializer(allow_null=True))
    def get_token(self, user: User) -> Any:
        token = self.context["request"].auth
        return TokenSerializer(token, context=self.context).data if isinstance(token, ApiToken) else None


class Me(ApiView):
    """Who the request acts as."""

    @extend_schema(responses=AccountSerializer)
    def get(self, request: Request) -> Response:
        """Return your account, your roles, and what the token of this request may do."""
        return Response(AccountSerializer(request.user, context={"request": request}).data)

    def lock(self) -> None:
        User.objects.select_for_update().filter(username=self.request.user.get_username()).values_list(
            "pk"
        ).first()

    @extend_schema(request=AccountSerializer, responses=AccountSerializer)
    def patch(self, request: Request) -> Response:
        """Change your name or email address. A token needs the scope `*`."""
        token = request.auth
        if isinstance(token, ApiToken) and not token.may_do_everything:
            raise exceptions.PermissionDenied(
                f"This needs a token with the scope “{EVERYTHING}”.", "wrong_scope"
            )
        form = AccountSerializer(request.user, data=request.data, partial=True, context={"request": request})
        form.is_valid(raise_exception=True)
        form.save()
        return Response(form.data)


class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ApiViewSet):
    """Your API tokens. A token can make others only if it has the scope `*` and works in all of your projects."""

    queryset = ApiToken.objects.prefetch_related("projects")
    filters = {"name": "name", "prefix": "prefix"}
    search_fields = ["name", "prefix"]
    ordering_fields = ["name", "created_at", "last_used_at", "expires_at"]
    serializer_class = TokenSerializer
    # The answer holds the secret, which is stored nowhere: it cannot be given again.
    idempotent_posts = False

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(user_id=self.request.user.pk)

    @extend_schema(request=CreateTokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """Create a token. `secret` is shown only in this answer. `Idempotency-Key` has no effect here."""
        form = CreateTokenSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        expires_at = fields.get("expires_at", default_expiry())
        own = request.auth
        if (
            isinstance(own, ApiToken)
            and own.expires_at
            and (expires_at is None or expires_at > own.expires_at)
        ):
            if "expires_at" in fields:
                raise serializers.ValidationError(
                    {
                        "expires_at": [
                            f"The new token must expire before this one: {own.expires_at.isoformat()}."
                        ]
                    }
                )
            expires_at = own.expires_at
        token, secret = ApiToken.make(
            request.user,  # type: ignore[arg-type]
            fields["name"],
            expires_at=expires_at,
            scopes=fields.get("scopes", [EVERYTHING]),
            projects=fields.get("projects", []),
        )
        token.secret = secret  # type: ignore[attr-defined]
        answer = Response(
            NewTokenSerializer(token, context=self.get_serializer_context()).data,
            status=status.HTTP_201_CREATED,
        )
        answer["Cache-Control"] = "no-store"
        return answer
