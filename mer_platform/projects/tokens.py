"""API authentication: ``Authorization: Bearer mer_…``."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from mer_platform.projects.models import ApiToken


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() not in ("bearer", "token"):
            return None
        token = (
            ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret.strip())).first()
        )
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed(
                "The API token is unknown or its user is not active. Create a new one under “API tokens”."
            )
        if token.has_expired:
            raise exceptions.AuthenticationFailed(
                f"The API token “{token.name}” expired on {token.expires_at:%d %B %Y}. Create a new one under “API tokens”.",
                "token_expired",
            )
        now = timezone.now()
        if token.last_used_at is None or token.last_used_at < now - timedelta(minutes=1):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        if token.limited:  # what asks for the user's projects finds no others
            token.user.only_projects = frozenset(token.projects.values_list("pk", flat=True))  # type: ignore[attr-defined]
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token (`mer_…`)."}
