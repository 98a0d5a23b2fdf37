"""The errors of operations, described with one component: problem details (RFC 9457)."""

from typing import Any

from rest_framework import serializers

from mer_platform.rest.schema.described import DESCRIPTIONS, PROBLEM_JSON, Described


class ProblemErrorSerializer(serializers.Serializer):
    """What is wrong with one field of the body, or with one parameter."""

    pointer = serializers.CharField(
        required=False, help_text="JSON pointer to the field in the body, for example /clips/3."
    )
    parameter = serializers.CharField(required=False, help_text="Name of the parameter of the query.")
    detail = serializers.CharField(help_text="What was expected, and what was given.")
    code = serializers.CharField(help_text="The kind of error, for programs.")


class ProblemSerializer(serializers.Serializer):
    """An error: problem details (RFC 9457). Some errors have more members, which their operation describes."""

    type = serializers.CharField(help_text="Address of the description of this kind of error.")
    title = serializers.CharField(help_text="The kind of error, for people.")
    status = serializers.IntegerField(help_text="The status code of HTTP.")
    detail = serializers.CharField(help_text="What is wrong here, and what to do.")
    code = serializers.CharField(help_text="The kind of error, for programs, for example validation_failed.")
    instance = serializers.CharField(help_text="The address that was called.")
    request_id = serializers.CharField(help_text="Names the request in the log of the platform.")
    errors = ProblemErrorSerializer(  # type: ignore[assignment]  # the name hides that of a form
        many=True, help_text="Each field or parameter that is wrong; empty if the error is not about one."
    )


class StorageFullSerializer(ProblemSerializer):
    """507: there is no room for what the request would store. Where the free space is known, it is stated."""

    free_bytes = serializers.IntegerField(required=False, help_text="Free space on the server's disk.")
    needed_bytes = serializers.IntegerField(required=False, help_text="What the request would store.")
    floor_bytes = serializers.IntegerField(
        required=False, help_text="Free space that the server keeps for its work."
    )


def declare_problems(described: Described, *, signed_in: bool, throttled: bool) -> None:
    """Declare the errors that an operation can answer with, as its method, path and body imply."""
    named = any(p["in"] == "path" for p in described.parameters)
    codes = [400, 406, 500, 503]
    if signed_in:
        codes += [401, 403]
    if named or described.is_list:
        codes.append(404)
    if described.method != "GET":
        codes += [409, 507]
    if "requestBody" in described.operation:
        codes += [411, 413, 415]
    if throttled:
        codes.append(429)
    for code in codes:
        described.add_problem(code)
    _correct_media_types(described.operation["responses"])
    described.operation["responses"] = dict(sorted(described.operation["responses"].items()))


def _correct_media_types(answers: dict[str, Any]) -> None:
    """Give errors that a view declares itself the media type of problem details, and those without content the content."""
    for code, answer in answers.items():
        if code < "400" or "$ref" in answer:
            continue
        content = answer.get("content")
        schema = next(iter(content.values()))["schema"] if content else {}
        if not schema.get("$ref") and "allOf" not in schema:
            schema = {"$ref": "#/components/schemas/Problem"}
        answer["content"] = {PROBLEM_JSON: {"schema": schema}}
        if answer["description"] in ("", "No response body"):
            answer["description"] = DESCRIPTIONS[int(code)]
