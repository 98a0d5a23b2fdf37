"""Fill a running platform with a composite of MEGC2019's size and a thousand finished runs on it, without training.

Run with the environment of the platform: ``python -m tests.bench._dashboards_fill RUNS``. Prints the ids that the benchmark
asks for, as JSON.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
django.setup()

import numpy as np  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from mer_platform.clips.models import FlowPicture, Subject  # noqa: E402
from mer_platform.composites.models import (  # noqa: E402
    Composite,
    CompositeVersion,
    Sample,
    content_hash,
)
from mer_platform.experiments.models import Experiment, Fold, Prediction, Run  # noqa: E402
from mer_platform.experiments.results import group_by_configuration, results_of  # noqa: E402
from mer_platform.experiments.sweeps.effects import effects_of  # noqa: E402
from mer_platform.experiments.sweeps.ranking import ranking_of  # noqa: E402
from mer_platform.projects.models import Project  # noqa: E402
from mer_platform.projects.services import create_project  # noqa: E402
from models_ml.classes import CLASSES  # noqa: E402
from models_ml.config import RunConfig, SweepConfig  # noqa: E402

# Samples by class and number of subjects of each database, as in MEGC2019.
MEGC2019 = {"CASME II": ((88, 32, 25), 24), "SMIC": ((70, 51, 43), 16), "SAMM": ((92, 26, 15), 28)}
SLUG = "dashboards"
SWEEP = 240  # configurations of the large experiment
SMALL_SWEEP = 20
Labels = NDArray[np.int64]


def main() -> None:
    runs = int(sys.argv[1])
    admin = User.objects.get(username="admin")
    project = create_project(SLUG, admin)
    version = composite(project)
    rng = np.random.default_rng(2019)
    sizes = [SWEEP, *[SMALL_SWEEP] * ((runs - SWEEP) // SMALL_SWEEP)]
    experiments = [
        experiment(version, size, number, admin, rng) for number, size in enumerate(sizes) if size <= runs
    ]
    ids = list(Run.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    print(
        json.dumps({"slug": project.slug, "project": project.pk, "experiment": experiments[0], "runs": ids})
    )


def composite(project: Project) -> CompositeVersion:
    """Freeze 442 flow pictures of 68 subjects. Their files are not there: nothing here reads them."""
    samples: list[Sample] = []
    for database_name, (counts, subjects) in MEGC2019.items():
        database = project.databases.create(name=database_name)
        people = [Subject.objects.create(database=database, name=f"s{n:02d}") for n in range(subjects)]
        labels = [label for label, count in zip(CLASSES, counts, strict=True) for _ in range(count)]
        for number, label in enumerate(labels):
            person, key = people[number % subjects], f"{len(samples):064x}"
            picture = FlowPicture.objects.create(
                subject=person,
                name=f"{person.name}_{number:03d}",
                emotion=label,
                sha256=key,
                file=f"pictures/{key}.png",
                width=28,
                height=84,
            )
            samples.append(
                Sample(
                    index=len(samples),
                    picture=picture,
                    name=picture.name,
                    content_sha256=key,
                    database=database_name,
                    subject=person.name,
                    apex_from=Sample.ApexFrom.PICTURE,
                    emotion=label,
                    label=label,
                )
            )
    version = CompositeVersion.objects.create(
        composite=Composite.objects.create(project=project, name="MEGC2019 in size"),
        number=1,
        label_map={},
        content_hash=content_hash(samples),
    )
    for sample in samples:
        sample.version = version
    Sample.objects.bulk_create(samples)
    return version


def experiment(
    version: CompositeVersion, size: int, number: int, user: User, rng: np.random.Generator
) -> int:
    """Store a finished experiment; return its id. Configurations differ in skill, and share what makes a sample hard."""
    configs = list(configurations(size, number))
    stored = Experiment.objects.create(
        project=version.project,
        version=version,
        name=f"Experiment {number}: width, kernels, rate and epochs",
        sweep=SweepConfig().model_dump(mode="json"),
        queue="training",
        created_by=user,
    )
    runs = Run.objects.bulk_create(
        Run(
            project=version.project,
            version=version,
            experiment=stored,
            name=config.net.describe(),
            config=config.model_dump(mode="json"),
            config_hash=config.content_hash(),
            seed=config.seed,
            features_hash=config.features.content_hash(),
            state=Run.State.FINISHED,
            finished_at=timezone.now(),
            created_by=user,
        )
        for config in configs
    )
    samples = list(version.samples.order_by("index"))
    hard = rng.normal(size=len(samples))
    for run in runs:
        _predict(run, samples, hard, rng)
        results_of(run)
    scored = list(stored.runs.select_related("version"))
    ranking_of(stored, group_by_configuration(scored))
    effects_of(stored, group_by_configuration(scored))
    return stored.pk


def configurations(size: int, number: int) -> Iterator[RunConfig]:
    """Yield different configurations of the default network, none twice over all experiments."""
    axes = product((0.25, 0.5, 1.0), ((2, 3), (2, 3, 4, 5, 6)), (1, 2), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2))
    grid = [
        {
            "net": {"name": "vgg_m_spp", "width": width, "kernels": list(kernels), "placement": placement},
            "train": {"learning_rate": rate},
        }
        for width, kernels, placement, rate in axes
    ]
    for position in range(size):
        data: dict[str, Any] = grid[position % len(grid)]
        epochs = 30 + 10 * (position // len(grid))
        train = {**data["train"], "epochs": epochs, "weight_decay": number * 1e-5}
        yield RunConfig.model_validate({**data, "train": train, "seed": number})


def _predict(run: Run, samples: Sequence[Sample], hard: NDArray[Any], rng: np.random.Generator) -> None:
    """Store folds and predictions as a run with about 70% accuracy has them."""
    subjects = sorted({sample.subject_key for sample in samples})
    folds = Fold.objects.bulk_create(
        Fold(run=run, index=index, name=subject, state=Fold.State.DONE, seconds=1.0, epochs_done=30)
        for index, subject in enumerate(subjects)
    )
    by_subject = dict(zip(subjects, folds, strict=True))
    true = np.array([CLASSES.index(sample.label) for sample in samples])
    logits = rng.normal(size=(len(samples), len(CLASSES))) - 0.4 * hard[:, None]
    logits[np.arange(len(samples)), true] += rng.normal(1.2, 0.2) + hard
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    Prediction.objects.bulk_create(
        Prediction(
            run=run,
            fold=by_subject[sample.subject_key],
            sample=sample,
            probabilities=[round(float(share), 6) for share in row],
            predicted=CLASSES[int(row.argmax())],
        )
        for sample, row in zip(samples, shares, strict=True)
    )


if __name__ == "__main__":
    main()
