"""A person whose name, file names and frames occur nowhere else, in a project that has used everything."""

import base64
import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from rest_framework.test import APIClient

from mer_platform.clips.models import Database, Subject
from mer_platform.deletion import services as files
from mer_platform.deletion.models import Removal
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.reproduce import PREDICTIONS
from mer_platform.exports.models import PaperBundle
from mer_platform.exports.predictions import predictions
from mer_platform.storage import store_by_content
from mer_platform.table_files import csv_chunks
from mer_platform.uploads.services import create
from tests.lab import barcode_clips

NAME = "Zoë Quillfeather"
TAKES = "velvetotter-take"
LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}
CONFIG = {"net": {"kernels": [2, 3]}, "train": {"epochs": 1}}


class Lab:
    """Fills a project by the API, as people do. ``person`` is the subject to withdraw."""

    def __init__(self, api: APIClient, work: Callable[[], None], database: Database, folder: Path) -> None:
        self.api, self.work, self.database, self.folder = api, work, database, folder
        self.project = database.project
        self.clips: list[int] = []
        self.bytes: list[bytes] = []

    @property
    def person(self) -> Subject:
        return Subject.objects.get(name=NAME, database=self.database)

    def post(self, path: str, fields: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Send a request, do the jobs that follow, and return the answer."""
        answer = self.api.post(f"/api/v1/{path}", fields, **options)
        assert answer.status_code in (200, 201, 202), answer.content
        self.work()
        return dict(answer.json())

    def upload(self) -> None:
        """Upload and label the clips of three subjects; the first one is the person."""
        self.database.emotions = []
        self.database.save()
        for number, clip in enumerate(barcode_clips(self.folder, subjects=3, clips_per_subject=2)):
            spec, is_person = clip.spec, number < 2
            name = f"{TAKES}{number}{clip.path.suffix}" if is_person else clip.path.name
            content = clip.path.read_bytes()
            pk = self.post(
                "clips/",
                {
                    "file": SimpleUploadedFile(name, content), "database": self.database.pk, "fps": 200,
                    "subject": NAME if is_person else spec.subject,
                },
                format="multipart",
            )["id"]  # fmt: skip
            marks = {"onset": spec.onset, "apex": spec.apex, "offset": spec.offset, "emotion": spec.emotion}
            self.post("annotations/", {"clip": pk, **marks, "note": f"{NAME} laughs in {name}"})
            if is_person:
                self.clips.append(pk)
                self.bytes.append(content[len(content) // 2 :][:64])

    def freeze(self) -> int:
        """Freeze a version of all clips, and return its id."""
        return int(
            self.post(
                "composite-versions/",
                {
                    "project": self.project.pk,
                    "name": "All",
                    "databases": [self.database.pk],
                    "label_map": {self.database.name: LABELS},
                },
            )["id"]
        )

    def use(self, version: int) -> int:
        """Train, attribute, export, import and score; return the id of the run."""
        fields = {"version": version, "config": CONFIG, "keep_weights": "yes", "name": f"without {NAME}?"}
        run = int(self.post("runs/", fields)["id"])
        self.post(f"composite-versions/{version}/features/", {"config": {"flow": "dis"}})
        self.post("feature-exports/", {"version": version, "format": "npz"})
        self.post(f"runs/{run}/attributions/", {"method": "gradients"})
        self._bundle(run)
        self.post(
            "scoring-batches/", {"run": run, "items": [{"clip": pk} for pk in self.clips], "name": NAME}
        )
        self._import()
        metadata = ", ".join(
            f"{key} {base64.b64encode(value.encode()).decode()}"
            for key, value in {"filename": "late.mp4", "subject": NAME}.items()
        )
        create(self.project, self.project.memberships.get(role="owner").user, 20, metadata)
        self.api.patch(f"/api/v1/runs/{run}/", {"notes": f"{NAME} moves a lot ({TAKES}0.mp4)"})
        return run

    def _bundle(self, run: int) -> None:
        """Store a paper bundle; drawing its charts would take most of the test's time."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as zipped:
            zipped.writestr(PREDICTIONS, b"".join(csv_chunks(predictions([Run.objects.get(pk=run)]))))
        stored = store_by_content("exports", ContentFile(made.getvalue()), ".zip")
        PaperBundle.objects.create(
            project=self.project,
            runs=[run],
            key="0" * 64,
            state="done",
            file=stored.name,
            sha256=stored.sha256,
        )

    def _import(self) -> None:
        sheet = (
            f"database,subject,clip,path\n{self.database.name},{NAME},{TAKES}9,{NAME}/{TAKES}9.mp4\n".encode()
        )
        fields = {"project": self.project.pk, "layout": "manifest", "place": "file"}
        self.post(
            "imports/", {**fields, "sheet": SimpleUploadedFile(f"{NAME}.csv", sheet)}, format="multipart"
        )
        rows = f"Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Coder\n{NAME},{TAKES}0,1,2,3,alice\n"
        file = SimpleUploadedFile("annotations.csv", rows.encode())
        self.post("annotation-imports/", {"project": self.project.pk, "file": file}, format="multipart")

    def withdraw(self, **fields: Any) -> dict[str, Any]:
        """Withdraw the person by the API, and return the certificate."""
        return self.post(f"subjects/{self.person.pk}/withdrawal/", {"confirm": NAME, **fields})


def remove_all_files() -> None:
    """Remove the files that are due, without the wait for jobs that may still write."""
    for file in Path(settings.MEDIA_ROOT).rglob("*"):
        os.utime(file, (0, 0))
    Removal.objects.update(not_before="2000-01-01T00:00:00Z")
    files.remove_files(seconds=60)


def places(folder: Path, logs: str) -> Iterator[tuple[str, bytes]]:
    """Yield each place in which a byte could be left: files, also inside of zips, the database and the log."""
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            yield str(file.relative_to(folder)), content + str(file).encode()
            if zipfile.is_zipfile(io.BytesIO(content)):
                with zipfile.ZipFile(io.BytesIO(content)) as inside:
                    for name in inside.namelist():
                        yield f"{file.name}/{name}", inside.read(name) + name.encode()
    if connection.vendor == "postgresql":
        settings_of = connection.settings_dict
        environment = {**os.environ, "PGPASSWORD": str(settings_of["PASSWORD"])}
        where = ["-h", settings_of["HOST"], "-p", str(settings_of["PORT"]), "-U", settings_of["USER"]]
        command = ["pg_dump", *map(str, where), str(settings_of["NAME"])]
        yield "pg_dump", subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    yield "log", logs.encode()


def traces(lab: Lab, folder: Path, logs: str) -> list[tuple[str, str]]:
    """Return where something of the person is left, and what."""
    surname = NAME.split()[1]
    wanted = {
        "name": NAME.encode(), "escaped name": b"Zo\\u00eb", "surname": surname.encode(), "file": TAKES.encode(),
        "base64": base64.b64encode(NAME.encode())[:16], **{f"frames {n}": part for n, part in enumerate(lab.bytes)},
    }  # fmt: skip
    return [
        (place, what)
        for place, content in places(folder, logs)
        for what, part in wanted.items()
        if part.lower() in content.lower()
    ]
