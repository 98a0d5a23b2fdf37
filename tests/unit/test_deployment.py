"""The compose file, the image and the pinned requirements. `tests/faults/test_serve_compose.py` runs the services."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command

from mer_platform.jobs.broker import GPU_QUEUE, QUEUES, WEBHOOK_QUEUE

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
APP = ("web", "migrate", "worker-cpu", "worker-gpu", "upkeep", "webhooks", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE)


@pytest.fixture(scope="module")
def workers_only() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deploy" / "docker-compose.worker.yml").read_text())


def queues_of(compose: dict[str, Any], name: str) -> set[str]:
    words = shlex.split(compose["services"][name]["command"])
    queues = words[words.index("-Q") + 1]
    return set(re.sub(r"\$\{\w+:-(.*)\}", r"\1", queues).split(","))


def test_the_compose_files_are_valid_by_the_compose_specification(compose, workers_only):
    schemas = files("check_jsonschema") / "builtin_schemas" / "vendor"
    for content in (compose, workers_only):
        jsonschema.validate(content, json.loads((schemas / "compose-spec.json").read_text()))


def test_every_service_is_hardened_limited_and_its_log_rotated(compose, workers_only):
    for content in (compose, workers_only):
        for name, service in content["services"].items():
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["read_only"] is (name != "tools"), name
            assert service["mem_limit"], name
            assert service["pids_limit"], name
            assert service["logging"]["options"]["max-size"], name


def test_a_machine_with_workers_only_runs_the_same_commands(compose, workers_only):
    for name, service in workers_only["services"].items():
        assert service["command"] == compose["services"][name]["command"]
        assert service["healthcheck"] == compose["services"][name]["healthcheck"]


def test_the_settings_behind_tls_pass_the_checks_of_a_deployment(settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True  # as MER_HTTPS=1 sets them
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECRET_KEY = "a key of some length, with 5 or more different signs in it"
    call_command("check", deploy=True, fail_level="WARNING")


UNITS = ROOT / "deploy" / "systemd"


@pytest.mark.parametrize("name", ["web", "worker-cpu", "worker-gpu", "upkeep", "webhooks", "beat"])
def test_a_systemd_unit_runs_the_command_of_its_compose_service(compose, name):
    unit = (UNITS / f"mer-{name}.service").read_text()
    started = re.search(r"^ExecStart=/opt/mer-platform/.venv/bin/(.*)$", unit, re.MULTILINE)
    assert started
    words = started[1].replace("%%", "%").removesuffix(" --bind 127.0.0.1:8000").split()
    assert words == compose["services"][name]["command"].split()


def test_systemd_accepts_the_units(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze not found")
    programs = tmp_path / "platform" / ".venv" / "bin"
    programs.mkdir(parents=True)
    for program in ("python", "celery", "gunicorn"):
        (programs / program).symlink_to("/bin/true")
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/opt/mer-platform", str(tmp_path / "platform"))
        (tmp_path / unit.name).write_text(text)
    units = [str(path) for path in sorted(tmp_path.glob("mer*"))]
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True)
    about_ours = [line for line in done.stderr.splitlines() if "mer" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_every_queue_has_a_worker_with_and_without_a_gpu(compose):
    assert queues_of(compose, "worker-cpu") == set(QUEUES)
    assert queues_of(compose, "upkeep") == {"upkeep"}
    assert queues_of(compose, "webhooks") == {WEBHOOK_QUEUE}
    with_gpu = queues_of(compose, "worker-gpu")
    assert GPU_QUEUE in with_gpu
    assert "training" not in with_gpu  # an experiment trains on one kind of device


def test_only_the_gpu_worker_asks_for_a_gpu_and_only_in_its_profile(compose):
    asking = {name for name, service in compose["services"].items() if "deploy" in service}
    assert asking == {"worker-gpu"}
    assert compose["services"]["worker-gpu"]["profiles"] == ["gpu"]


def test_secrets_come_from_the_environment_without_a_default(compose):
    for variable in ("MER_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        uses = re.findall(rf"\$\{{{variable}([^}}]*)\}}", COMPOSE)
        assert uses
        assert all(use.startswith(":?set ") for use in uses)


def test_every_long_running_service_is_restarted_and_checked(compose):
    for name, service in compose["services"].items():
        if name not in ("migrate", "tools"):
            assert service["restart"] == "unless-stopped", name
            assert name == "web" or "test" in service["healthcheck"], name  # web: the image's own check


def test_the_image_runs_without_privileges_and_checks_its_health():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile
    copied = set(re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE))
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


def test_requirements_are_pinned_and_name_no_registry():
    for name in ("requirements.txt", "requirements-mlflow.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            entry = line.partition("#")[0].strip()
            assert (
                not entry
                or entry in ("-r requirements.txt", "-r requirements-mlflow.txt")
                or re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+", entry)
            ), line


def test_no_installed_library_needs_more_than_a_slim_image_has():
    """A wheel that needs libraries other than its own, libc, gcc's runtime and zlib would need packages from apt."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the image is Linux")
    of_image = r"(ld-linux-\S+|lib(c|m|mvec|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|z))\.so\.\d+"
    packages = ("cv2", "av", "torch", "psycopg_binary", "safetensors", "pydantic_core", "numpy")
    for package in packages:
        folder = files(package)
        for library in sorted(Path(str(folder)).glob("*.so"))[:3]:
            listing = subprocess.run(["ldd", str(library)], capture_output=True, text=True).stdout
            system = re.findall(r"^\s*(\S+) => (?:/usr)?/lib\S*", listing, re.MULTILINE)
            assert not [name for name in system if not re.fullmatch(of_image, name)], f"{library}: {listing}"
            assert "not found" not in listing, f"{library}: {listing}"
