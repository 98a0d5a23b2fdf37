"""Many changes of a coder's annotations in one request.

What the operations need is read for all of them together, and each is then checked as a single request would be. What
changes is stored with one statement, which the database gets with the values of all rows.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied as _Forbidden
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from mer_platform.annotation.blindness import CLIP_IS_DONE, done_clips, seen_by
from mer_platform.annotation.coding.bulk_serializers import CREATE_FIELDS, FIELDS_OF, BulkAnnotationSerializer
from mer_platform.annotation.models import Annotation, AnnotationVersion
from mer_platform.clips.models import Clip
from mer_platform.projects.access import require, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.rest.conditional import PreconditionFailed
from mer_platform.rest.errors import Conflict, exception_handler

Operation = Mapping[str, Any]
Result = dict[str, Any]


class OperationsFailed(exceptions.APIException):
    """The operations of an atomic request of which some failed. Its status is that of the first one that failed."""

    def __init__(self, failed: Sequence[Result]) -> None:
        first = failed[0]["problem"]
        super().__init__(f"Nothing was changed, because operations failed. {first['detail']}", first["code"])
        self.status_code = first["status"]
        self.errors = [error for result in failed for error in _errors_of(result)]
        self.extra = {"results": list(failed)}


def carry_out(
    request: Request,
    operations: Sequence[Operation],
    client: str,
    *,
    atomic: bool,
    context: Mapping[str, Any],
) -> list[Result]:
    """Carry out the operations in their order, in one transaction, and return the result of each.

    Raises OperationsFailed if ``atomic`` and one fails, and Conflict if other requests store the same keys in the meantime.
    """
    for _ in range(2):  # a key that another request stores in the meantime is found by the second attempt
        try:
            with transaction.atomic():
                results = _Batch(request, operations, client, context).results()
                failed = [result for result in results if result["problem"]]
                if atomic and failed:
                    raise OperationsFailed(failed)
                return results
        except IntegrityError:
            continue
    raise Conflict("Other requests change the same annotations now. Send the request again.")


class _Batch:
    """The operations of one request, with all that they need."""

    def __init__(
        self, request: Request, operations: Sequence[Operation], client: str, context: Mapping[str, Any]
    ) -> None:
        self._request, self._client = request, client
        self._user: Any = request.user
        self._operations = operations
        projects = Project.objects.of(self._user).values("pk")
        wanted = Clip.objects.filter(pk__in=_ids(operations, "clip"), project__in=projects)
        self._clips = {clip.pk: clip for clip in wanted.select_related("subject__database", "project")}
        named = Annotation.objects.filter(pk__in=_ids(operations, "id"), clip__project__in=projects)
        rows = seen_by(self._user, named.select_related("clip__subject__database", "clip__project", "coder"))
        self._rows = {row.pk: row for row in rows.order_by("pk").select_for_update(of=("self",))}
        keys = {key for each in operations if (key := _key(each.get("key")))}
        stored = Annotation.everything.filter(key__in=keys)
        related = stored.select_related("clip__subject__database", "clip__project", "coder")
        self._stored = {row.key: row for row in related}
        clips = {*self._clips, *(row.clip_id for row in self._rows.values())}
        self._done = done_clips(self._user, clips)
        self._writable = set(Project.objects.of(self._user, Role.ANNOTATOR).values_list("pk", flat=True))
        self._refused: dict[int, Exception] = {}
        self._keys: dict[uuid.UUID, int] = {}
        self._versions: list[AnnotationVersion] = []
        self._changed: dict[int, Annotation] = {}
        inner = {**context, "clips": self._clips}
        self._create_form = BulkAnnotationSerializer(context=inner)
        self._update_form = BulkAnnotationSerializer(context=inner, partial=True)

    def results(self) -> list[Result]:
        """Carry out all operations, and return the result of each."""
        does: dict[str, Callable[[int, Operation], Annotation | None]] = {
            "create": self._create, "update": self._update, "delete": self._delete,
        }  # fmt: skip
        results: list[Result] = []
        made: dict[int, Annotation] = {}
        for index, operation in enumerate(self._operations):
            result: Result = {
                "index": index,
                "op": str(operation.get("op"))[:20],
                "annotation": None,
                "problem": None,
            }
            try:
                _check_fields(operation)
                row = does[operation["op"]](index, operation)
                result["status"] = {"create": 201, "update": 200, "delete": 204}[operation["op"]]
                if operation["op"] == "create" and row:
                    made[index] = row
                elif row:
                    result["annotation"] = self._shown(row)
            except (exceptions.APIException, Http404, _Forbidden) as error:
                result["problem"] = self._problem(index, error)
                result["status"] = result["problem"]["status"]
            results.append(result)
        Annotation.store_changes(self._changed.values())
        Annotation.objects.bulk_create(made.values())
        self._versions += [row.version(self._user, self._client) for row in made.values()]
        AnnotationVersion.objects.bulk_create(self._versions)
        for index, row in made.items():
            results[index]["annotation"] = self._shown(row)
        return results

    def _create(self, index: int, operation: Operation) -> Annotation:
        fields = self._create_form.run_validation({n: v for n, v in operation.items() if n in CREATE_FIELDS})
        clip = fields["clip"]
        self._check_may_write(clip)
        row = Annotation(**fields, coder=self._user)
        if (stored := self._stored.get(row.key)) is not None:
            if stored.coder_id != self._user.pk or stored.clip_id != clip.pk:
                raise Conflict("Another annotation has this key. Send the annotation with a new key.")
            raise Conflict("This annotation is stored already.", current=self._shown(stored))
        if (earlier := self._keys.setdefault(row.key, index)) != index:
            raise serializers.ValidationError({"key": [f"Operation {earlier} has this key, too."]})
        return row

    def _update(self, index: int, operation: Operation) -> Annotation:
        row = self._own(operation)
        form = self._update_form
        form.instance = row
        fields = form.run_validation({n: v for n, v in operation.items() if n in CREATE_FIELDS})
        for name, value in fields.items():
            setattr(row, name, value)
        self._change(row)
        return row

    def _delete(self, index: int, operation: Operation) -> None:
        row = self._own(operation)
        row.deleted_at = timezone.now()
        self._change(row)

    def _change(self, row: Annotation) -> None:
        """Count a change, and keep it to be stored with all others."""
        row.revision += 1
        row.updated_at = timezone.now()
        self._changed[row.pk] = row
        self._versions.append(row.version(self._user, self._client))

    def _own(self, operation: Operation) -> Annotation:
        """Return the annotation of an operation, after all checks of access and of its revision."""
        if "id" not in operation:
            raise serializers.ValidationError({"id": [ErrorDetail("Required.", "required")]})
        row = self._rows.get(_number(operation["id"], "id"))
        if row is None or row.deleted:
            raise Http404("Annotation not found in your projects.")
        if row.coder_id != self._user.pk:
            raise exceptions.PermissionDenied(
                f"Cannot change an annotation of {row.coder}: coders change only their own."
            )
        self._check_may_write(row.clip)
        given = operation.get("revision")
        if given is not None and _number(given, "revision") != row.revision:
            raise PreconditionFailed(
                f"This was changed in the meantime: its revision is {row.revision}. Apply your change to “current”, and "
                "send it again with that revision.",
                current=self._shown(row),
                etag=f'"{row.revision}"',
            )
        return row

    def _check_may_write(self, clip: Clip) -> None:
        """Raise the errors of access to a clip, and the one of a clip that this coder has marked as done."""
        if clip.project_id not in self._writable:
            if clip.project_id not in self._refused:
                try:
                    require(self._user, clip.project, Role.ANNOTATOR)
                except (Http404, _Forbidden) as error:
                    self._refused[clip.project_id] = error
            if error_found := self._refused.get(clip.project_id):
                raise error_found
        if clip.pk in self._done:
            raise exceptions.PermissionDenied(CLIP_IS_DONE)

    def _shown(self, row: Annotation) -> dict[str, Any]:
        return dict(self._create_form.to_representation(row))

    def _problem(self, index: int, error: Exception) -> dict[str, Any]:
        """Return an error of an operation as problem details whose pointers lead into the operation."""
        if isinstance(error, exceptions.ValidationError):
            error = exceptions.ValidationError({"operations": {str(index): error.detail}})
        answer = exception_handler(error, {"request": self._request})
        return dict(answer.data) if answer and answer.data else {}


def _check_fields(operation: Operation) -> None:
    """Raise ValidationError if the operation is of no known kind, or has fields that do not exist."""
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in FIELDS_OF:
        raise serializers.ValidationError({"op": ["Must be create, update or delete."]})
    unknown = [name for name in operation if name not in FIELDS_OF[kind]]
    if unknown:
        known = ", ".join(FIELDS_OF[kind])
        text = f"Unknown field. An operation {kind} has {known}."
        raise serializers.ValidationError(
            {str(name)[:60]: [ErrorDetail(text, "unknown_field")] for name in unknown}
        )


def _number(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise serializers.ValidationError({field: [ErrorDetail("Must be a whole number.", "wrong_type")]})
    return value


def _ids(operations: Sequence[Operation], field: str) -> set[int]:
    """Return the ids that operations name in a field, without what is not an id."""
    given = (each.get(field) for each in operations)
    return {row_id(str(value)) for value in given if isinstance(value, int | str)} - {-1}


def _key(value: Any) -> uuid.UUID | None:
    try:
        key: uuid.UUID = serializers.UUIDField().to_internal_value(value)
    except serializers.ValidationError:
        return None
    return key


def _errors_of(result: Result) -> list[dict[str, str]]:
    problem = result["problem"]
    whole = {
        "pointer": f"/operations/{result['index']}",
        "detail": problem["detail"],
        "code": problem["code"],
    }
    return problem["errors"] or [whole]
