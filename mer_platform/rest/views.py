"""The bases of the API's views."""

from rest_framework import viewsets
from rest_framework.views import APIView


class ApiView(APIView):
    """Base of all views of the API. By the settings, they require a signed-in user."""


class ApiViewSet(ApiView, viewsets.GenericViewSet):
    """Base of a view of a kind of rows."""
