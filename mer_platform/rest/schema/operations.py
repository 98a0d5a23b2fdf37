"""How one operation of the API is described."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent, get_doc, get_lib_doc_excludes

from mer_platform.rest.schema.areas import area_of
from mer_platform.rest.schema.described import HEADERS, Described
from mer_platform.rest.schema.problems import ProblemSerializer, StorageFullSerializer, declare_problems
from mer_platform.rest.schema.typed import TypedSerializer

# What the usual actions of viewsets are called in identifiers, and what they do if no docstring says it.
_VERBS = {
    "list": ("list", "List {many}."),
    "retrieve": ("retrieve", "Return {one}."),
    "create": ("create", "Create {one}."),
    "update": ("replace", "Replace {one}."),
    "partial_update": ("update", "Change {one}."),
    "destroy": ("delete", "Delete {one}."),
}
_METHODS = {
    "get": "retrieve",
    "post": "create",
    "put": "replace",
    "patch": "update",
    "delete": "delete",
    "head": "check",
}
_LONGEST_SUMMARY = 120


class ApiSchema(AutoSchema):
    """Describes an operation: readable identifiers, areas, its errors, and what its view adds to it."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        for problem in (ProblemSerializer, StorageFullSerializer):
            self.resolve_serializer(problem, "response")
        components: dict[str, dict[str, Any]] = {}
        described = Described(method.upper(), path, self._action, operation, components)
        if hasattr(self.view, "describe"):
            self.view.describe(described)
        described.add_header("X-Request-ID", HEADERS["X-Request-ID"])
        declare_problems(
            described,
            signed_in={} not in operation.get("security", []),
            throttled=bool(self.view.get_throttles()),
        )
        if not operation["parameters"]:
            del operation["parameters"]
        _register(registry, components)
        return operation

    def _get_serializer_name(self, serializer: Any, direction: str, bypass_extensions: bool = False) -> str:
        """Return the component's name; that of a type is the same in requests and answers."""
        if isinstance(serializer, TypedSerializer):
            return str(serializer.shape.__name__)
        return str(super()._get_serializer_name(serializer, direction, bypass_extensions))

    @property
    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def get_operation_id(self) -> str:
        """Return the identifier: ``runs_list``, ``clips_create``, ``runs_cancel``, ``projects_annotations_csv``."""
        words = [word for part in self._tokenize_path() for word in re.split(r"[-.]", part) if word]
        action = getattr(self.view, "action", None)
        if action in _VERBS:
            words.append(_VERBS[action][0])
        elif action:
            own = action.split("_")
            while len(words) > 1 and words[-1] in own:
                words.pop()
            words += own
            if list((getattr(self.view, "action_map", None) or {}).values()).count(action) > 1:
                words.append(_METHODS[self.method.lower()])
        elif len(self._methods) > 1:
            is_list = self.method == "GET" and self._is_list_view()
            words.append("list" if is_list else _METHODS[self.method.lower()])
        return "_".join(words)

    @property
    def _methods(self) -> list[str]:
        return [name for name in self.view.allowed_methods if name not in ("OPTIONS", "HEAD")]

    def get_tags(self) -> list[str]:
        return [area_of(self._tokenize_path())]

    def get_summary(self) -> str | None:
        """Return the first sentence of the description."""
        text = " ".join(self.get_description().split("\n\n")[0].split())
        first = re.split(r"(?<=[a-z)`*”])[.:] ", text + " ")[0]
        return first.strip().rstrip(".") if len(first) <= _LONGEST_SUMMARY else None

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        action = self._action
        method = getattr(self.view, action, None)
        if action in _VERBS and not get_doc(method):
            return _VERBS[action][1].format(**self._names)
        return super().get_description()

    @property
    def _names(self) -> dict[str, str]:
        """What the rows are called, by number."""
        model = getattr(getattr(self.view, "queryset", None), "model", None)
        if model is None:
            return {"one": "it", "many": "them"}
        one, many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
        return {"one": f"{'an' if one[0] in 'aeiou' else 'a'} {one}", "many": many}


def bases_without_description() -> list[type]:
    """Return the bases whose docstrings do not describe the serializers and views that derive from them."""
    from mer_platform.rest import serializers, views

    return [
        *get_lib_doc_excludes(),
        *(
            kind
            for module in (serializers, views)
            for kind in vars(module).values()
            if isinstance(kind, type)
        ),
    ]


def _register(registry: ComponentRegistry, components: dict[str, dict[str, Any]]) -> None:
    for kind, found in components.items():
        for name, schema in found.items():
            registry.register_on_missing(
                ResolvedComponent(name=name, type=kind, schema=schema, object=f"{kind} {name}")
            )
