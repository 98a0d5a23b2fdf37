"""What a view or a mixin of views adds to the description of an operation."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
STRING: dict[str, Any] = {"type": "string"}


@dataclass
class Described:
    """The description of an operation while it is made. A mixin of ``ApiView`` changes it in ``describe``.

    Attributes
    ----------
    method
        Upper case, for example “GET”.
    path
        With its variables in braces.
    action
        Of a viewset: the name of the action. Of another view: the method in lower case.
    operation
        The object of OpenAPI.
    components
        Components by kind and name that the description refers to.
    """

    method: str
    path: str
    action: str
    operation: dict[str, Any]
    components: dict[str, dict[str, Any]]

    @property
    def successes(self) -> list[str]:
        """The status codes below 400 that the operation answers with."""
        return [code for code in self.operation["responses"] if code < "400"]

    @property
    def is_list(self) -> bool:
        """Whether the operation answers with a page of rows."""
        return any(p["name"] in ("page", "cursor") and p["in"] == "query" for p in self.parameters)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The parameters: of the path, the query and the header."""
        found: list[dict[str, Any]] = self.operation.setdefault("parameters", [])
        return found

    def add_parameter(
        self,
        name: str,
        description: str,
        where: str = "query",
        schema: dict[str, Any] | None = None,
        *,
        required: bool = False,
        example: Any = None,
    ) -> None:
        """Declare a parameter of the query, or with ``where="header"`` a header of the request, unless it is declared."""
        if any(p["name"] == name and p["in"] == where for p in self.parameters):
            return
        parameter: dict[str, Any] = {
            "name": name,
            "in": where,
            "description": description,
            "schema": schema or STRING,
        }
        if required:
            parameter["required"] = True
        if example is not None:
            parameter["example"] = example
        self.parameters.append(parameter)

    def add_header(
        self,
        name: str,
        description: str,
        codes: Collection[str] | None = None,
        schema: dict[str, Any] | None = None,
    ) -> None:
        """Declare a header of the answers with these status codes; by default of all below 400."""
        reference = self._header(name, description, schema)
        for code in self.successes if codes is None else codes:
            if code in self.operation["responses"]:
                headers = self.operation["responses"][code].setdefault("headers", {})
                headers.setdefault(name, reference)

    def _header(
        self, name: str, description: str = "", schema: dict[str, Any] | None = None
    ) -> dict[str, str]:
        """Register the component of a header, and return a reference to it."""
        key = name.replace("-", "")
        self.components.setdefault("headers", {})[key] = {
            "description": description or HEADERS[name],
            "schema": schema or STRING,
        }
        return {"$ref": f"#/components/headers/{key}"}

    def add_answer(self, code: int, description: str = "", content: dict[str, Any] | None = None) -> None:
        """Declare an answer, unless one with this status code is declared. 304 has no content."""
        answer: dict[str, Any] = {"description": description or HTTPStatus(code).phrase}
        if content is not None:
            answer["content"] = content
        self.operation["responses"].setdefault(str(code), answer)

    def answer_with_file(self, content_type: str, description: str = "The file.") -> None:
        """Declare that the operation answers 200 with a file."""
        headers = {"Content-Disposition": {"description": "The name of the file.", "schema": STRING}}
        media_type = content_type.partition(";")[0]
        self.operation["responses"]["200"] = {
            "description": description,
            "headers": headers,
            "content": {media_type: {"schema": file_schema(media_type)}},
        }

    def answers_in_ranges(self) -> None:
        """Declare that the file that the operation answers with can be requested in parts, and is cached by its tag."""
        self.add_parameter("Range", "Bytes to return, for example bytes=0-1023.", "header")
        self.add_parameter("If-None-Match", "The answer is 304 if the file still has this tag.", "header")
        whole = self.operation["responses"].get("200", {}).get("content")
        content = whole or {"application/octet-stream": {"schema": file_schema("application/octet-stream")}}
        self.add_answer(206, "The requested bytes.", content)
        self.add_answer(304, "The file has not changed.")
        self.add_problem(416)
        self.add_header("ETag", "The version of the file.", ("200", "206", "304"))
        self.add_header("Content-Range", "Which bytes these are, and of how many.", ("206",))
        self.add_header("Accept-Ranges", "“bytes”: parts can be requested.", ("200", "206"))

    def add_problem(self, code: int, description: str = "") -> None:
        """Declare an error, with the component ``Problem``, unless an answer with this status code is declared."""
        component = COMPONENTS_OF.get(code, "Problem")
        shared = {PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{component}"}}}
        if description:
            self.add_answer(code, description, shared)
        else:
            name = HTTPStatus(code).phrase.title().replace(" ", "").replace("-", "")
            self.components.setdefault("responses", {})[name] = {
                "description": DESCRIPTIONS.get(code, HTTPStatus(code).phrase + "."),
                "headers": {
                    header: self._header(header) for header in ("X-Request-ID", *HEADERS_OF.get(code, ()))
                },
                "content": shared,
            }
            self.operation["responses"].setdefault(str(code), {"$ref": f"#/components/responses/{name}"})


def file_schema(media_type: str) -> dict[str, Any]:
    """Return the schema of a file: JSON is an object, text is a string, and all else are bytes."""
    if media_type.endswith("json") and "x-nd" not in media_type:
        return {"type": "object", "additionalProperties": True}
    if media_type.startswith(("text/", "application/x-ndjson", "application/xml")):
        return {"type": "string"}
    return {"type": "string", "format": "binary"}


HEADERS = {
    "X-Request-ID": "Names the request in the log of the platform.",
    "WWW-Authenticate": "How to authenticate.",
    "Retry-After": "Seconds after which to send the request again.",
}
HEADERS_OF = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}  # of errors
COMPONENTS_OF = {507: "StorageFull"}  # of errors with members of their own; all others are a Problem
DESCRIPTIONS = {
    400: "The request is not as described: `errors` names each field or parameter and says what was expected.",
    401: "The request has no token and no session, or its token is unknown or has expired.",
    403: "Your role in the project, or the scope of the token, does not allow this.",
    404: "What the address names does not exist, or belongs to a project that is not yours.",
    406: "The operation cannot answer in a format that `Accept` allows.",
    409: "The present state does not allow this: `detail` says why, and what to do.",
    411: "The request does not state the length of its body. Send `Content-Length`.",
    412: "It was changed since the version that `If-Match` names. Nothing was changed.",
    413: "The request is larger than allowed.",
    416: "The file does not have the requested bytes.",
    415: "The body has another content type than those described.",
    429: "Too many requests. `Retry-After` says how many seconds to wait.",
    500: "The platform failed. `request_id` names the entry in its log.",
    503: "A part of the platform does not answer at the moment. Nothing is lost: send the request again.",
    507: "There is no room for what the request would store. Nothing was stored.",
}
