"""The commands in docker-compose.yml, run as processes on this machine's PostgreSQL and Redis."""

import os
import re
import shlex
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psycopg
import pytest
import redis
import requests
import yaml

from tests.live import ROOT, Api, wait_until
from tests.surroundings import unused_redis

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="needs PostgreSQL and Redis"),
]
SECRETS = {"POSTGRES_PASSWORD": "unused", "REDIS_PASSWORD": "unused", "MER_SECRET_KEY": "s" * 50}
DAEMONS = ("web", "worker-cpu", "upkeep", "webhooks", "beat")
FRAMES = 24


def interpolate(value: Any) -> Any:
    """Replace ``${NAME:-default}``, ``${NAME:?message}`` and ``$$`` as compose does, with SECRETS as its .env."""
    if isinstance(value, dict):
        return {key: interpolate(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolate(inner) for inner in value]
    if not isinstance(value, str):
        return value

    def put(match: re.Match) -> str:
        name, operator, rest = match.groups()
        if operator == ":?":
            return SECRETS[name]
        return SECRETS.get(name, rest or "")

    return re.sub(r"\$\{(\w+)(:[-?])?([^}]*)\}", put, value).replace("$$", "$")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return interpolate(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """A new PostgreSQL database and an empty Redis database, removed afterwards."""
    server, name = os.environ["DATABASE_URL"], f"mer_compose_{uuid.uuid4().hex[:8]}"
    cache = unused_redis(os.environ["REDIS_URL"])
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield {"DATABASE_URL": f"{server.rpartition('/')[0]}/{name}", "REDIS_URL": cache}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    with redis.Redis.from_url(cache) as client:
        client.flushdb()


class Composed:
    """The services as processes, with their own commands and environments except for the addresses on this machine."""

    def __init__(self, services: dict[str, Any], folder: Path, addresses: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.services, self.folder = services, folder
        self.places = {**addresses, "MER_DATA_DIR": str(folder / "data")}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        own = self.services[name]["environment"]
        assert self.places.keys() <= own.keys()
        place = {**self.places, **({"PORT": self.port} if "PORT" in own else {})}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), **own, **place}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                shlex.split(self.services[name]["command"]),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
            )
        return self.running[name]

    def run(self, service: str, *command: str, **environment: str) -> str:
        env = {**self.environment(service), **environment}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_healthy(self, service: str) -> bool:
        """Run the health check of a service, a line of shell."""
        _, line = self.services[service]["healthcheck"]["test"]
        shell = ["sh", "-c", line.replace("$$", "$")]
        return subprocess.run(shell, env=self.environment(service), capture_output=True).returncode == 0

    def stop(self) -> dict[str, int]:
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(60) for name, process in self.running.items()}


@pytest.fixture(scope="module")
def composed(services, addresses, tmp_path_factory) -> Iterator[Composed]:
    composed = Composed(services, tmp_path_factory.mktemp("composed"), addresses)
    try:
        assert composed.start("migrate").wait(120) == 0, (composed.folder / "migrate.log").read_text()
        for name in DAEMONS:
            composed.start(name)
        yield composed
    finally:
        for process in composed.running.values():
            if process.poll() is None:
                process.kill()
            process.wait(60)


def small_video(path: Path) -> Path:
    """Write a second of moving noise, which no other test uploads."""
    pixels = np.random.default_rng(7).integers(0, 255, (96, 96 + FRAMES, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(25))
        stream.width = stream.height = 96
        for number in range(FRAMES):
            window = np.ascontiguousarray(pixels[:, number : number + 96])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(window, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_the_services_ingest_a_clip_and_stop_when_asked(composed, tmp_path):
    composed.run(
        "web", "python", "manage.py", "createsuperuser", "--noinput", "--username", "ada", "--email", "",
        DJANGO_SUPERUSER_PASSWORD="a long password",
    )  # fmt: skip
    token = composed.run("web", "python", "manage.py", "create_token", "ada").strip()
    url = f"http://localhost:{composed.port}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/health/", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    wait_until(answers, "the web service")
    api = Api(url, token)
    project = api.post("projects/", {"name": "Compose"})["id"]
    database = api.post("databases/", {"project": project, "name": "Lab"})["id"]
    with small_video(tmp_path / "noise.mp4").open("rb") as file:
        clip = api.post("clips/", {"database": database, "subject": "s1"}, files={"file": file})
    assert clip["state"] == "processing"
    path = f"clips/{clip['id']}/"
    wait_until(lambda: api.get(path)["state"] != "processing", "the clip's ingest job", 120)
    done = api.get(path)
    assert (done["state"], done["frame_count"], done["frames_per_second"]) == ("ready", FRAMES, 25.0)
    assert done["face_note"].startswith("No face found")
    assert len(api.get(f"{path}frames/")["offsets"]) == FRAMES + 1
    wait_until(lambda: composed.is_healthy("beat"), "beat's schedule, where the health check looks for it")
    assert {
        name: process.poll() for name, process in composed.running.items() if name in DAEMONS
    } == dict.fromkeys(DAEMONS)
    assert composed.stop() == {"migrate": 0, **dict.fromkeys(DAEMONS, 0)}
