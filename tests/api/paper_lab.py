"""Two finished runs on a small version, for tests of what leaves for papers. Import everything: it has fixtures."""

import pytest

from mer_platform.annotation.models import Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Run
from mer_platform.exports import bundles
from tests.api.finished_runs import finished

WORDS = ["disgust", "happiness", "surprise"]
CLASSES = ["negative", "positive", "surprise"]
TRUE = [0, 1, 2] * 4  # four subjects with one clip per class
GOOD = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 2]  # one wrong


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, true in enumerate(TRUE):
        clip = make_clip(f"clip{number:02}", f"s{number // 3}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=WORDS[true], origin="adopted")
    return freeze(
        project, "Twelve", [database], {database.name: dict(zip(WORDS, CLASSES, strict=True))}, alice
    )


@pytest.fixture
def runs(version, alice) -> list[Run]:
    long = "SPP after layer 2, average pooling with 2, 3, 4 and 5 bins, all $settings_1 of the paper & more"
    made = [finished(version, GOOD, alice), finished(version, [0] * 12, alice, net={"name": "vgg_m"})]
    Run.objects.filter(pk=made[1].pk).update(name=long)
    made[0].folds.update(losses=[1.0, 0.5, 0.25], epoch=2)
    return [Run.objects.get(pk=run.pk) for run in made]


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def one_form(monkeypatch):
    """Draw the charts of a bundle in one form and one width: drawing all of them takes seconds."""
    monkeypatch.setattr(bundles, "FORMATS", {"svg": bundles.FORMATS["svg"]})
    monkeypatch.setattr(bundles, "COLUMNS", (1,))
