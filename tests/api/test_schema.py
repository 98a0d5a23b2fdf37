"""The API's description is complete and valid, and names things as people would."""

import json
import re
from unittest.mock import patch

import jsonschema_rs
import pytest
from django.core.management import call_command

from tests.api.api_schema import api_schema, operations

pytestmark = pytest.mark.django_db


def test_the_schema_is_served_and_valid_without_warnings(client, tmp_path):
    assert client.get("/api/schema/").status_code == 200
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    text = (tmp_path / "schema.yml").read_text()
    assert text.startswith("openapi: 3.1")
    for path in ("/api/v1/experiments/estimate/", "/api/v1/runs/compare/", "/api/v1/imports/{id}/items/"):
        assert path in text
    assert "For comparison with these papers only" in " ".join(text.split())


def test_names_of_enumerations_do_not_depend_on_their_contents():
    names = list(api_schema()["components"]["schemas"])
    assert "RunStateEnum" in names
    assert not [name for name in names if re.search(r"[0-9A-F][0-9a-f]{2}Enum$", name)]


def test_identifiers_of_operations_are_readable_and_appear_once():
    found = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(found)) == len(found)
    assert {"clips_list", "clips_create", "runs_compare", "annotations_update", "runs_cancel"} <= set(found)
    assert not [name for name in found if not re.fullmatch(r"[a-z0-9_]+", name)]


def test_each_operation_belongs_to_an_area_and_says_what_it_does():
    areas = {tag["name"] for tag in api_schema()["tags"]}
    for path, method, operation in operations():
        assert set(operation["tags"]) <= areas, (path, method)
        assert operation.get("description"), (path, method)
        assert operation.get("summary"), (path, method)


def test_each_operation_declares_its_errors_as_problem_details():
    document = api_schema()
    for path, method, operation in operations():
        answers = operation["responses"]
        needed = {"400", "401", "403", "500"}
        if "{" in path:
            needed.add("404")
        if "requestBody" in operation:
            needed |= {"413", "415"}
        assert needed <= set(answers), (path, method)
        for code, answer in answers.items():
            if code >= "400":
                if "$ref" in answer:
                    answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                assert list(answer["content"]) == ["application/problem+json"], (path, method, code)


def test_bodies_are_json_except_where_files_go_in():
    forms = set()
    for _, _, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        assert "application/x-www-form-urlencoded" not in content
        if "multipart/form-data" in content:
            forms.add(operation["operationId"])
    assert {"clips_create", "imports_create", "annotation_imports_create"} <= forms
    assert not forms & {"runs_create", "annotations_create", "clips_update"}


def test_a_form_is_refused_where_no_file_goes_in(api, project):
    for path in ("/api/v1/annotations/", "/api/v1/runs/", "/api/v1/projects/"):
        answer = api.generic("POST", path, "name=x", "application/x-www-form-urlencoded")
        assert answer.status_code == 415, path


def test_files_are_sent_regardless_of_the_accepted_type(api, project):
    answer = api.get(f"/api/v1/projects/{project.pk}/annotations.csv", headers={"Accept": "text/csv"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")


def test_json_exports_are_objects_and_tables_have_their_own_type():
    content = {
        operation["operationId"]: operation["responses"]["200"].get("content", {})
        for _, _, operation in operations()
        if "200" in operation["responses"]
    }
    assert content["projects_annotations_json"]["application/json"]["schema"]["type"] == "object"
    assert content["runs_predictions_csv"] == {"text/csv": {"schema": {"type": "string"}}}
    assert list(content["runs_predictions_parquet"]) == ["application/vnd.apache.parquet"]


def test_each_example_is_what_its_description_allows():
    document = api_schema()
    examples, seen = document["components"]["examples"], set()
    for path, method, operation in operations():
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind, content in body.get("content", {}).items():
                if not kind.endswith("json") or kind.endswith("ndjson"):
                    continue
                name = content["examples"]["example"]["$ref"].rpartition("/")[2]
                if name not in seen:
                    seen.add(name)
                    validator = jsonschema_rs.Draft202012Validator(
                        {**content["schema"], "components": document["components"]}
                    )
                    errors = [error.message for error in validator.iter_errors(examples[name]["value"])]
                    assert not errors, (path, method, name)


def test_answers_have_no_free_objects_where_their_fields_are_known():
    schemas = api_schema()["components"]["schemas"]
    for component, name in (
        ("Run", "progress"), ("Run", "results"), ("Comparison", "against"), ("CompositeVersion", "counts"),
        ("AnnotationImportReport", "entries"), ("ExperimentDetail", "runs"), ("Agreement", "pairs"),
    ):  # fmt: skip
        assert "$ref" in json.dumps(schemas[component]["properties"][name]), (component, name)
    assert {"RunConfig", "FrameIndex", "FlowOfFrames", "Rules", "AnnotationConflict"} <= set(schemas)


def test_the_schema_is_made_once_and_has_a_tag(client):
    first = client.get("/api/schema/?format=json")
    assert first["Content-Type"].startswith("application/json") or "json" in first["Content-Type"]
    assert first.json()["openapi"].startswith("3.1")
    with patch("drf_spectacular.generators.SchemaGenerator.get_schema", side_effect=AssertionError):
        again = client.get("/api/schema/?format=json")
        unchanged = client.get("/api/schema/?format=json", headers={"If-None-Match": first["ETag"]})
    assert again.content == first.content
    assert (unchanged.status_code, unchanged.content) == (304, b"")
