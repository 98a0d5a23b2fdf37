"""Views that check the scopes of API tokens."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from mer_platform.rest.conditional import Describable
from mer_platform.rest.schema.described import Described
from mer_platform.rest.scopes import EVERYTHING, allows, scope_of


class WrongScope(PermissionDenied):
    """Error 403: the token's scopes do not allow the request."""

    default_code = "wrong_scope"

    def __init__(self, needed: str) -> None:
        kind = "a token with the scope" if needed != EVERYTHING else "a token without limits, with the scope"
        super().__init__(f"This needs {kind} “{needed}”. Create one under “API tokens”.", "wrong_scope")
        self.extra = {"scope": needed}


class ScopedView(Describable):
    """A view that a token may use only if its scopes allow it. A signed-in browser has no scopes, and is not limited."""

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        scopes = getattr(request.auth, "scopes", None)
        if scopes is None:
            return
        needed = scope_of(str(request.method), request.path_info)
        if needed is None:
            needed = EVERYTHING
        limited = needed == EVERYTHING and getattr(request.auth, "limited", False)
        if limited or not allows(scopes, needed):
            raise WrongScope(needed)

    def describe(self, described: Described) -> None:
        """Name the scope in the description."""
        super().describe(described)
        if scope := scope_of(described.method, described.path):
            for scheme in described.operation.get("security", []):
                if "token" in scheme:
                    scheme["token"] = [scope]
