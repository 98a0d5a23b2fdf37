"""Clips and a model for tests and benchmarks of scoring on a running platform, without training.

Run with the environment of the platform: ``python -m tests.scoring_lab CLIPS``. A few synthetic clips are ingested; the
others are copies whose files differ by a box that players skip, so that each is a clip, and has features, of its own. Prints
ids and frames as JSON.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = 6


def filled(env: dict[str, str], clips: int) -> dict[str, Any]:
    """Fill the platform with this environment; return its project, model and clips."""
    command = [sys.executable, "-m", "tests.scoring_lab", str(clips)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def marked_copy(content: bytes, number: int) -> bytes:
    """Return an mp4 file with a free box at its end, which holds the number."""
    return content + struct.pack(">I4sQ", 16, b"free", number)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
    import django

    django.setup()
    from django.contrib.auth.models import User

    from mer_platform.clips.models import Database, Subject
    from mer_platform.projects.services import create_project

    project = create_project("Scoring", User.objects.get(username="admin"))
    database = Database.objects.create(project=project, name="Lab", fps=200)
    subject = Subject.objects.create(database=database, name="s01")
    with tempfile.TemporaryDirectory() as folder:
        clips = _clips(subject, int(sys.argv[1]), Path(folder))
    print(json.dumps({"project": project.pk, "model": _model(project), "clips": clips}))


def _clips(subject: Any, count: int, folder: Path) -> list[dict[str, int]]:
    from django.core.files.base import ContentFile

    from mer_platform.clips.models import Clip
    from mer_platform.storage import store_by_content
    from models_ml.synthetic.clip import render
    from models_ml.synthetic.demo import demo_clips
    from models_ml.synthetic.encode import encode
    from models_ml.video.contained import ProcessLimits, ingest_contained
    from workers.ingest import clip_fields

    specs = (spec for spec in demo_clips() if spec.container == "mp4" and spec.emotion != "others")
    known = []
    for number, spec in enumerate(islice(specs, SOURCES)):
        path = folder / f"{number}.mp4"
        encode(render(spec), path, spec.fps)
        pack = folder / f"{number}.bin"
        pack.touch()
        result = ingest_contained(path, pack, limits=ProcessLimits(1 << 30, 300, 1 << 30))
        known.append((spec, path.read_bytes(), clip_fields(result)))
    rows, frames = [], []
    for number in range(count):
        spec, content, fields = known[number % SOURCES]
        stored = store_by_content("clips", ContentFile(marked_copy(content, number)), ".mp4")
        rows.append(
            Clip(
                project=subject.database.project, subject=subject, name=f"c{number}", sha256=stored.sha256,
                file=stored.name, original_name=f"c{number}.mp4", size=len(content) + 16, **fields,
            )
        )  # fmt: skip
        frames.append((spec.onset, spec.apex))
    stored_rows = Clip.objects.bulk_create(rows)
    return [
        {"clip": clip.pk, "onset": onset, "apex": apex}
        for clip, (onset, apex) in zip(stored_rows, frames, strict=True)
    ]


def _model(project: Any) -> int:
    """Store an untrained network of the default configuration as a model, and return its id."""
    import hashlib

    from django.core.files.base import ContentFile

    from mer_platform.registry.models import ModelVersion
    from mer_platform.storage import store_by_content
    from models_ml.classes import CLASSES
    from models_ml.config import RunConfig
    from models_ml.nets.build import build
    from models_ml.training.model import TrainedModel

    config = RunConfig()
    network = build(config.net, config.ensemble, config.features.size, len(CLASSES)).eval()
    content = TrainedModel(config, network).save_bytes()
    stored = store_by_content("models", ContentFile(content), ".safetensors")
    return ModelVersion.objects.create(
        project=project, name="Untrained", config=config.model_dump(mode="json"), file=stored.name,
        sha256=hashlib.sha256(content).hexdigest(), classes=list(CLASSES),
    ).pk  # fmt: skip


if __name__ == "__main__":
    main()
