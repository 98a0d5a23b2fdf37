"""Keep the times of the frames of existing clips with the clips, from the indexes of their frame packs.

A clip whose index is missing or damaged keeps none; it gets them when its frames are restored and its times are needed.
"""

import json

from django.core.files.storage import default_storage
from django.db import migrations

BATCH = 500


def learn(apps, schema_editor):
    from models_ml.errors import InputError
    from models_ml.video.framenames import GAPS, gap_notes
    from models_ml.video.packindex import PackIndex

    clip_model = apps.get_model("clips", "Clip")
    learnt = []
    clips = clip_model.objects.filter(frame_steps=None, state="ready")
    for clip in clips.only("sha256", "fps_given", "fps", "file", "frame_count", "notes").iterator(BATCH):
        key = f"{clip.sha256}-{clip.fps_given:g}" if clip.fps_given else clip.sha256
        try:
            with default_storage.open(f"packs/{clip.sha256[:2]}/{key}.json") as file:
                index = PackIndex.from_json(json.load(file))
        except (OSError, ValueError, InputError):
            continue
        clock = index.clock
        if clock.count != clip.frame_count:
            continue
        clip.fps, clip.frame_steps = str(clock.rate), clock.steps_text()
        if not clip.file.endswith(".zip"):
            clip.file_fps = clip.fps
        elif clock.steps:  # until now, the times left the gaps out
            clip.notes = gap_notes(index.source) + [n for n in clip.notes if not n.startswith(GAPS)]
        learnt.append(clip)
        if len(learnt) == BATCH:
            _save(clip_model, learnt)
            learnt = []
    _save(clip_model, learnt)


def _save(clip_model, clips):
    clip_model.objects.bulk_update(clips, ["fps", "file_fps", "frame_steps", "notes"])


class Migration(migrations.Migration):
    dependencies = [("clips", "0005_recording_rates")]

    operations = [migrations.RunPython(learn, migrations.RunPython.noop)]
