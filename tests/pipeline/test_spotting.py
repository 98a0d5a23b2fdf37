"""From an uploaded clip to suggestions, with the workers' own code."""

from dataclasses import replace

import pytest
from django.core.files.base import File
from django.core.management import call_command

from mer_platform.annotation.models import Consensus, Suggestion
from mer_platform.annotation.spotting import clips_to_spot, queue_project, queue_spotting
from mer_platform.clips.models import Clip
from mer_platform.clips.services import add_clip
from mer_platform.jobs.models import Job
from models_ml.motion.version import SPOTTER_VERSION
from models_ml.synthetic.clip import ClipSpec, write_clip
from models_ml.synthetic.demo import demo_clips

pytestmark = [pytest.mark.services_in_faults]


@pytest.fixture
def spec() -> ClipSpec:
    """A smile that is easy to see, with rest before and after it."""
    spec = next(spec for spec in demo_clips() if spec.database == "Demo CASME")
    return replace(
        spec, action_units="6+12", intensity_px=2.2, onset=80, apex=105, offset=135, frame_count=220
    )


@pytest.fixture
def ingested(database, alice, tmp_path, work):
    def run(spec: ClipSpec) -> Clip:
        with write_clip(spec, tmp_path).open("rb") as file:
            clip = add_clip(database, spec.subject, File(file, name="clip.mp4"), alice)
        work()
        clip.refresh_from_db()
        assert clip.state == Clip.State.READY
        return clip

    return run


def test_an_uploaded_clip_gets_its_suggestion_automatically(ingested, spec):
    found = ingested(spec).suggestions.get()
    assert abs(found.apex - spec.apex) <= 4
    assert abs(found.onset - spec.onset) <= 8
    assert found.spotter == SPOTTER_VERSION
    assert 0.5 <= found.confidence <= 1


def test_no_suggestion_is_stored_if_nothing_stands_out(ingested, spec, work):
    clip = ingested(replace(spec, intensity_px=0, frame_count=400))
    assert not clip.suggestions.exists()
    assert Job.objects.get(kind="spot").state == Job.State.DONE


def test_suggestions_of_an_older_spotter_are_replaced(ingested, spec, work):
    clip = ingested(spec)
    clip.suggestions.update(spotter="1", onset=0, apex=1, offset=2)
    Job.objects.filter(kind="spot").delete()
    queue_spotting(clip)
    work()
    assert clip.suggestions.get().spotter == SPOTTER_VERSION


def test_the_same_search_is_queued_once(ingested, spec, work):
    clip = ingested(spec)
    assert queue_spotting(clip).state == Job.State.DONE
    assert Job.objects.filter(kind="spot").count() == 1


def test_the_apex_between_a_known_onset_and_offset_is_found(ingested, spec, project, work):
    clip = ingested(spec)
    Consensus.objects.create(
        clip=clip, onset=spec.onset, offset=spec.offset, emotion="positive", origin="imported"
    )
    assert list(clips_to_spot(project)) == [clip]
    assert len(queue_project(project)) == 1
    work()
    found = clip.suggestions.get()
    assert (found.onset, found.offset) == (spec.onset, spec.offset)
    assert abs(found.apex - spec.apex) <= 4


def test_an_earlier_search_is_queued_again_if_its_suggestions_were_replaced(ingested, spec, work):
    clip = ingested(spec)
    known = Consensus.objects.create(clip=clip, onset=70, offset=140, emotion="positive", origin="imported")
    queue_spotting(clip)
    work()
    known.delete()
    queue_spotting(clip)
    work()
    assert clip.suggestions.get().onset != 70


def test_a_failed_job_is_queued_again_on_request(ingested, spec, work, monkeypatch):
    clip = ingested(spec)
    job = Job.objects.get(kind="spot")
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
    assert queue_spotting(clip).state == Job.State.QUEUED


def test_a_deleted_clip_cancels_its_job(ingested, spec, work):
    clip = ingested(spec)
    Job.objects.filter(kind="spot").update(state=Job.State.QUEUED)
    Clip.objects.filter(pk=clip.pk).delete()
    work()
    assert Job.objects.get(kind="spot").state == Job.State.CANCELLED
    assert not Suggestion.objects.exists()


def test_the_command_prints_what_it_queued(ingested, spec, project, capsys):
    ingested(spec)
    call_command("spot", "--project", project.slug, "--wait", "--json")
    assert '"clips": 1, "queued": 0' in capsys.readouterr().out
