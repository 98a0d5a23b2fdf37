"""A frozen version can be deleted as long as nothing was made from it."""

import pytest

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.features.services import request_features
from mer_platform.projects.models import AuditEvent, Role
from models_ml.config import FeatureConfig
from tests.api.finished_runs import finished

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def version(project, database, make_clip, alice) -> CompositeVersion:
    for number in range(3):
        clip = make_clip(f"clip {number}", f"s{number}")
        emotion = "happiness" if number else "disgust"
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    labels = {database.name: {"disgust": "negative", "happiness": "positive"}}
    return freeze(project, "Three", [database], labels, alice)


def url(version: CompositeVersion) -> str:
    return f"/api/v1/composite-versions/{version.pk}/"


def test_a_version_that_nothing_needs_goes_with_its_samples(api, version):
    preview = api.get(f"{url(version)}deletion/").json()
    assert preview == {"possible": True, "reason": "", "samples": 3, "needed_by": {}}
    assert api.delete(url(version)).status_code == 204
    assert not CompositeVersion.objects.exists()
    assert not Sample.objects.exists()
    assert Clip.objects.count() == 3
    assert AuditEvent.objects.first().action.startswith("deleted Three v1")


def test_a_version_with_a_run_stays(api, version, alice):
    finished(version, [0, 0, 1], alice)
    answer = api.delete(url(version))
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Cannot delete Three v1: it is needed by 1 experiment and 1 run."
    assert CompositeVersion.objects.exists()


def test_a_version_with_a_feature_set_stays(api, version, alice):
    request_features(version, FeatureConfig(), alice)
    assert api.get(f"{url(version)}deletion/").json()["needed_by"] == {"feature set": 1}
    assert api.delete(url(version)).status_code == 409


def test_annotators_delete_no_version(project, version, member):
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.delete(url(version)).status_code == 403
    assert carol.get(f"{url(version)}deletion/").status_code == 403
