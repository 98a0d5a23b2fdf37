"""The base of ``ApiView`` and of its mixins."""

from rest_framework.views import APIView

from mer_platform.rest.schema.described import Described


class DescribedView(APIView):
    """A view whose mixins each add to its description: each one calls ``super().describe``."""

    def describe(self, described: Described) -> None:
        """Add to the description of an operation. A mixin that adds parameters or headers declares them here."""
