"""The requests of the recipes in R and MATLAB fit the schema. The languages themselves are not run."""

import re
from collections.abc import Iterator

import pytest

from tests.docs import openapi
from tests.docs.markdown import blocks

Request = tuple[str, str, str, set[str], set[str]]  # place, method, path, parameters, fields
PIPED = re.compile(r" \|> (\w+)\(")


def inside(text: str, start: int) -> str:
    """Return what is between the parenthesis that opens before ``start`` and the one that closes it."""
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[start : end - 1]


def arguments(text: str) -> list[str]:
    """Return the arguments of a call, where only the commas between them separate."""
    found, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [argument.strip() for argument in found]


def names(call: str) -> set[str]:
    """Return the names of the arguments of a call in R, without the options of httr2, which begin with a dot."""
    found = {argument.partition("=")[0].strip() for argument in arguments(call) if "=" in argument}
    return {name for name in found if not name.startswith(".")}


def r_requests() -> Iterator[Request]:
    """Yield each request in R: ``mer(path) |> req_…(…) |> …``."""
    for block in blocks("r"):
        for line in re.sub(r"\s*\|>\s*", " |> ", block.text).splitlines():
            for match in re.finditer(r"\bmer\(", line):
                address = inside(line, match.end())
                path = re.sub(r"paste0\(|[)\"]|, ", "", re.sub(r"\w+\$id", "1", address))
                rest = line[match.end() + len(address) + 1 :]
                calls = {call[1]: inside(rest, call.end()) for call in PIPED.finditer(rest)}
                body = calls.get("req_body_multipart", "")
                if json := calls.get("req_body_json"):
                    body = inside(json, len("list("))
                query = names(calls.get("req_url_query", ""))
                yield block.place, "POST" if body else "GET", path, query, names(body)


def matlab_requests() -> Iterator[Request]:
    """Yield each request in MATLAB: ``webread([url …], 'name', value, options)``, with ``struct`` for what is sent."""
    for block in blocks("matlab"):
        text = block.text.replace("...\n", " ")
        sent = {
            match[1]: {name.strip("'") for name in arguments(inside(text, match.end()))[::2]}
            for match in re.finditer(r"(\w+) = (?:struct|MultipartFormProvider)\(", text)
        }
        for match in re.finditer(r"\b(webread|webwrite|websave|request\.send)\(", text):
            given = arguments(inside(text, match.end()))
            place = next(number for number, argument in enumerate(given) if argument.startswith("[url"))
            path = (
                re.sub(r"num2str\(\w+\.id\)", "1", given[place])[4:]
                .strip("]")
                .replace("'", "")
                .replace(" ", "")
            )
            if match[1] in ("webwrite", "request.send"):
                yield block.place, "POST", path, set(), sent[given[1] if match[1] == "webwrite" else "body"]
            else:
                yield block.place, "GET", path, {name.strip("'") for name in given[place + 1 : -1 : 2]}, set()


@pytest.mark.parametrize(
    "found", [*r_requests(), *matlab_requests()], ids=lambda found: f"{found[0]} {found[1]} {found[2]}"
)
def test_the_requests_in_r_and_matlab_fit_the_schema(found):
    _, method, path, parameters, fields = found
    operation = openapi.operation(method, f"/api/v1/{path}")
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    assert parameters <= known
    if fields:
        bodies = [openapi._resolved(kind["schema"]) for kind in operation["requestBody"]["content"].values()]
        assert any(fields <= set(body["properties"]) for body in bodies), fields


def test_both_languages_send_the_same_requests():
    """So that no request escapes the patterns that find them."""
    in_r = {(method, path) for _, method, path, _, _ in r_requests()}
    in_matlab = {(method, path) for _, method, path, _, _ in matlab_requests()}
    assert in_r == in_matlab
    assert len(in_r) == 9
