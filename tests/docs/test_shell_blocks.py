"""Each command in the documentation exists and takes the options it is shown with."""

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from celery.bin.worker import worker
from django.core.management import get_commands, load_command_class
from django.urls import reverse

from mer_client.cli.app import app
from mer_platform.jobs.broker import GPU_QUEUE, QUEUES
from models_ml.config import FeatureConfig, RunConfig, SweepConfig
from tests.docs import openapi
from tests.docs.markdown import ROOT, Part, blocks, spans
from tests.docs.shell import Command, commands, request

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
CALL = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/api/v1/\S+)")


def shell_commands() -> Iterator[Command]:
    """Yield the commands of all shell blocks, and those that stand in the text between backquotes."""
    for block in blocks("sh", "bash", "console"):
        yield from commands(block)
    for span in spans():
        if span.text.startswith(("make ", "manage.py ", ".venv/bin/", "celery ", "docker ", "pip ")):
            yield Command(span.place, shlex.split(span.text))


def check_make(words: list[str]) -> None:
    for word in words[1:]:
        name, equals, _ = word.partition("=")
        if equals:
            assert name.startswith("MER_") or re.search(rf"\b{name}\b", MAKEFILE), f"make knows no {name}"
        else:
            assert re.search(rf"^{name}:", MAKEFILE, re.MULTILINE), f"the Makefile has no target {name}"


def check_manage(words: list[str]) -> None:
    _, name, *arguments = words
    assert name in get_commands(), f"manage.py has no command {name}"
    if not arguments:
        return
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    parser.called_from_command_line = True
    try:
        parser.parse_args(arguments)
    except SystemExit:
        pytest.fail(f"manage.py {name} does not take {shlex.join(arguments)}")


def check_api(command: Command) -> None:
    call = request(command)
    openapi.check(call)
    body = call.data if isinstance(call.data, dict) else {}
    if call.path == "/api/v1/runs/" and "config" in body:
        RunConfig.model_validate(body["config"])
    if call.path == "/api/v1/experiments/":
        SweepConfig.model_validate({name: body[name] for name in ("base", "grid", "seeds") if name in body})
    if call.path == "/api/v1/feature-exports/":
        FeatureConfig.model_validate(body["config"])


def check_celery(words: list[str]) -> None:
    assert words[1:4] == ["-A", "workers.app", "worker"]
    options = {option for parameter in worker.params for option in parameter.opts}
    assert {word for word in words[4:] if word.startswith("-")} <= options
    queues = words[words.index("-Q") + 1].split(",")
    assert set(queues) <= {*QUEUES, GPU_QUEUE, "upkeep"}


def check_pip(words: list[str]) -> None:
    assert words[1] == "install"
    for word in words[2:]:
        if package := re.fullmatch(r"(\./[\w/]+)\[([\w,]+)\]", word):
            project = tomllib.loads((ROOT / package[1] / "pyproject.toml").read_text("utf-8"))["project"]
            assert set(package[2].split(",")) <= set(project["optional-dependencies"])
        else:
            assert word == "-r" or (ROOT / word).is_file(), f"there is no file {word}"


def check_mer(words: list[str]) -> None:
    """Check that the client has the command, and that it takes the options and so many arguments."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    assert rest or not hasattr(command, "commands"), f"mer has no command {shlex.join(words[1:])}"
    context = command.context_class(command, info_name="mer")
    _, left, _ = command.make_parser(context).parse_args(list(rest))
    assert not left, f"mer does not take {shlex.join(left)}"


def check_docker(words: list[str]) -> None:
    assert words[1] in ("compose", "build")


def check_git(words: list[str]) -> None:
    assert words[1] in ("clone", "switch", "add", "commit", "diff", "log", "rebase", "push")


def check_tool(words: list[str]) -> None:
    """Check a program of .venv, and that the files it is given exist."""
    if words[1:2] == ["manage.py"]:
        return check_manage(words[1:])
    assert (ROOT / words[0]).exists() or words[0] == ".venv/bin/python", f"{words[0]} is not installed"
    for word in words[1:]:
        path = word.partition("::")[0]
        assert "/" not in path or (ROOT / path).exists(), f"there is no {path}"
    return None


def check_client_generator(words: list[str]) -> None:
    assert words[1:3] == ["generate", "--url"]
    assert words[3].endswith(reverse("schema"))


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": check_make,
    "manage.py": check_manage,
    "celery": check_celery,
    "pip": check_pip,
    "docker": check_docker,
    "git": check_git,
    "openapi-python-client": check_client_generator,
    **dict.fromkeys(("cd", "cp", "systemctl", "useradd"), lambda words: None),
    "export": lambda words: None,
    "mer": check_mer,
}


@pytest.mark.parametrize("command", list(shell_commands()), ids=str)
def test_the_command_exists(command: Command) -> None:
    program = command.words[0]
    if program in ("api", "curl"):
        check_api(command)
    elif program.startswith(".venv/bin/"):
        check_tool(command.words)
    else:
        assert program in CHECKS, f"no test checks {program}: add one to CHECKS, or leave the command out"
        CHECKS[program](command.words)


@pytest.mark.parametrize("span", [span for span in spans() if CALL.fullmatch(span.text)], ids=str)
def test_the_endpoint_exists(span: Part) -> None:
    method, path = CALL.fullmatch(span.text).groups()  # type: ignore[union-attr]
    if "<" not in path:
        openapi.operation(method, path)


def test_each_block_names_its_language() -> None:
    assert not blocks(""), "begin a block with ```sh, ```python or ```text, so that a test can check it"
