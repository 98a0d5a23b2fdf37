"""Each route of the platform, for each kind of caller and each method: only who may, can; and a refusal changes nothing."""

import base64
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.urls import reverse

from mer_platform.rest.scopes import area_of
from tests.api.access_lab import ACTORS, ROLES, Lab
from tests.api.access_table import BODIES, FILE, FORMATS, TABLE
from tests.api.routes import Route, routes

ROUTES = routes()
SPELLED = {"sign-in": "login", "sign-out": "logout"}  # Django's names of these routes
LINES = {
    SPELLED.get(words[0], words[0]): words[1:]
    for line in TABLE.splitlines()
    if (words := line.split()) and not line.startswith("#")
}
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
# What a request may write before anything is allowed: the last use of a token, and the session.
HARMLESS = re.compile(r"projects_apitoken\W.*last_used_at|accounts_session")


class Rules:
    """A line of the table."""

    def __init__(self, words: list[str]) -> None:
        self.rows = dict(word.split("=") for word in words if re.match(r"\w+=", word))
        plain = [word for word in words if not re.match(r"\w+=", word)]
        self.levels = dict(zip(plain[::2], plain[1::2], strict=True))

    def allows(self, method: str, actor: str) -> bool:
        level = self.levels[method].rstrip("?")
        if level == "anyone":
            return True
        if actor in ("anonymous", "expired token", "wrong scope"):
            return False
        if level == "user":
            return True
        if level.startswith("="):
            own, _, other = level[1:].partition(",")
            return actor == own or bool(other and actor in ROLES[ROLES.index(other) :])
        return actor in ROLES[ROLES.index(level) :]

    def may_miss(self, method: str) -> bool:
        return self.levels[method].endswith("?")


def test_every_route_is_in_the_table():
    names = {route.name for route in ROUTES}
    assert not names - set(LINES), f"add a line to access_table.py for {sorted(names - set(LINES))}"
    assert not set(LINES) - names, (
        f"access_table.py has lines of routes that do not exist: {sorted(set(LINES) - names)}"
    )


def test_every_method_is_in_the_table():
    wrong = {r.name: r.methods for r in ROUTES if set(Rules(LINES.get(r.name, [])).levels) != set(r.methods)}
    assert not wrong, f"access_table.py has other methods than these routes: {wrong}"


def test_every_address_of_the_api_declares_its_scope():
    addresses = ["/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", "1", r.pattern).replace("^", "") for r in ROUTES]
    missing = [a for a in addresses if a.startswith("/api/v1/") and area_of(a) is None]
    assert not missing, f"add to mer_platform/rest/scopes.py: {missing}"


class Matrix:
    """Sends the requests, each in a transaction that is rolled back."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def failures(self, route: Route, *, all_who_may: bool = False) -> list[str]:
        """Return what is wrong. Of those who may use the route, only the one with the lowest role asks, or all."""
        rules = Rules(LINES[route.name])
        found = []
        for method in route.methods:
            may = [actor for actor in ACTORS if rules.allows(method, actor)]
            for actor in [actor for actor in ACTORS if actor not in may] + may[: None if all_who_may else 1]:
                answer, written = self.send(route, rules, method, actor)
                if problem := self.problem(route, rules, method, actor, answer):
                    found.append(f"{method} {route.name} as {actor}: {answer.status_code}, {problem}")
                elif written and not rules.allows(method, actor):
                    found.append(
                        f"{method} {route.name} as {actor}: it was refused, but wrote: {written[0][:150]}"
                    )
        return found

    def send(self, route: Route, rules: Rules, method: str, actor: str) -> tuple[Any, list[str]]:
        client = self.lab.client(actor, route.is_api, area_of("/" + route.pattern.replace("^", "")))
        url = reverse(route.name, kwargs=self._variables(route, rules))
        body = self._filled(BODIES.get(f"{method} {route.name}", {}))
        written: list[str] = []

        def note(execute, sql, params, many, context):
            if WRITES.match(sql) and not HARMLESS.search(sql):
                written.append(sql)
            return execute(sql, params, many, context)

        with transaction.atomic():
            with connection.execute_wrapper(note):
                send = getattr(client, method.lower())
                options = (
                    {"format": FORMATS.get(route.name, "json")} if route.is_api and method != "GET" else {}
                )
                options["headers"] = self._headers(route)
                answer = send(url, body, **options) if body or "format" in options else send(url, **options)
                if getattr(answer, "streaming", False):
                    for _ in answer:  # to the end, as a client does
                        pass
            transaction.set_rollback(True)
        return answer, written

    def _headers(self, route: Route) -> dict[str, str]:
        """Return what an upload in parts is announced with."""
        if not route.name.startswith("upload-"):
            return {}
        said = {"project": str(self.lab.project.pk), "filename": "file.mp4"}
        metadata = ",".join(
            f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in said.items()
        )
        return {"Tus-Resumable": "1.0.0", "Upload-Length": "8", "Upload-Metadata": metadata}

    def _filled(self, value: Any) -> Any:
        """Return the value with ids in place of the names of rows."""
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if value == FILE:
            return SimpleUploadedFile("file.mp4", b"no video")
        is_row = isinstance(value, str) and value.startswith("@")
        return self.lab.rows[value[1:]].pk if is_row else value

    def _variables(self, route: Route, rules: Rules) -> dict[str, Any]:
        return {name: self._variable(route, name, rules.rows.get(name, "")) for name in route.variables}

    def _variable(self, route: Route, name: str, stated: str) -> Any:
        if stated.startswith("text:"):
            return stated.removeprefix("text:")
        if name == "slug":
            return self.lab.project.slug
        words = route.name.split("-")
        of_view = [name for count in (3, 2, 1) if (name := "".join(words[:count])) in self.lab.rows]
        return self.lab.rows[stated or of_view[0]].pk

    def problem(self, route: Route, rules: Rules, method: str, actor: str, answer: Any) -> str:
        status = answer.status_code
        to_sign_in = status == 302 and "/sign-in/" in answer["Location"] and route.name != "logout"
        if status >= 500:
            error = getattr(answer, "exc_info", None)
            return f"an error of the server: {error[1]!r}" if error else "an error of the server"
        if rules.allows(method, actor):
            refused = status in (401, 403) or to_sign_in or (status == 404 and not rules.may_miss(method))
            return "but the role may" if refused else ""
        if not route.is_api:
            expected = {302, 404} if actor in ("anonymous", "expired token", "wrong scope") else {403, 404}
            if status == 302 and not to_sign_in:
                return "but the role may not"
            return "" if status in expected else "but the role may not"
        if actor in ("anonymous", "expired token"):
            return "" if status == 401 else "not 401"
        if actor == "wrong scope":
            return "" if status == 403 or area_of("/" + route.pattern.replace("^", "")) == "" else "not 403"
        if not route.variables and method == "GET" and status == 200:
            return "" if _is_empty(answer) else "and shows rows"
        refusals = (
            {400, 403, 404} if not route.variables and actor in ("outsider", "administrator") else {403, 404}
        )
        return "" if status in refusals else "but the role may not"


def _is_empty(answer: Any) -> bool:
    data = answer.json()
    return not (data.get("results", data) if isinstance(data, dict) else data)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["pages", "API"])
def test_only_who_may_use_a_route_can(kind):
    matrix = Matrix(Lab())
    asked = [route for route in ROUTES if route.is_api == (kind == "API")]
    failures = [failure for route in asked for failure in matrix.failures(route)]
    assert not failures, "\n".join(failures)
