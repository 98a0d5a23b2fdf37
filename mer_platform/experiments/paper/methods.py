"""The methods of a comparison in words, with its real numbers, as a paper describes them."""

from collections.abc import Iterable, Sequence

from mer_platform.composites.models import CompositeVersion, count_samples
from mer_platform.configurations.display import features_in_words, network_facts, option_name
from mer_platform.experiments.comparison.comparing import compare_runs
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import group_by_configuration, results_of
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.config.training import TrainConfig
from models_ml.evaluation.uncertainty import RESAMPLES

HASH = 12
OPTIMISERS = {
    "adam": "Adam with decoupled weight decay",
    "sgd": "stochastic gradient descent with momentum 0.9",
}
SCHEDULES = {"cosine": "a cosine schedule", "constant": "a constant learning rate", "step": "a step schedule"}


def methods_of(runs: Sequence[Run]) -> str:
    """Return paragraphs about data, testing, networks and statistics of runs with scores; at least one run."""
    own = [run for run in runs if not run.is_external]
    parts = [
        _sentences(_data(version) for version in dict.fromkeys(run.version for run in runs)),
        _sentences([*_testing(runs), *_features(own)]),
        _sentences([*(_network(group) for group in group_by_configuration(own)), *_external(runs)]),
        _sentences([*_statistics(runs), *_software(own)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(parts)


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def counted(number: int, what: str) -> str:
    """Return a number and a noun.

    >>> counted(1, "sample"), counted(1442, "sample")
    ('1 sample', '1,442 samples')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _data(version: CompositeVersion) -> str:
    counts = count_samples(list(version.samples.values_list("database", "subject", "label")))
    parts = [
        f"{counted(own['samples'], 'sample')} of {counted(own['subjects'], 'subject')} from {name}"
        for name, own in counts["databases"].items()
    ]
    classes = listed([f"{name} ({counts['classes'][name]:,})" for name in CLASSES])
    total = f"{counted(counts['samples'], 'sample')} of {counted(counts['subjects'], 'subject')}"
    whole = f"{total}: {listed(parts)}" if len(parts) > 1 else listed(parts)
    text = (
        f"The composite version “{version}” (content hash {version.content_hash[:HASH]}) has {whole}. Their emotions were "
        f"mapped to {len(CLASSES)} classes: {classes}."
    )
    return f"{text} {version.withdrawn_note}".rstrip()


def _testing(runs: Sequence[Run]) -> list[str]:
    texts = []
    for protocol in dict.fromkeys(run.protocol for run in runs):
        same = [run for run in runs if run.protocol == protocol]
        who = "All runs were" if len(same) == len(runs) else f"Runs {_numbers(same)} were"
        if len(runs) == 1:
            who = "The run was"
        # Other code need not say what its folds were: then all samples are in one here.
        folds = sorted({run.folds.count() for run in same if not run.is_external})
        counts = [" or ".join(counted(n, "fold") for n in folds)] if folds else []
        tested = sorted({results_of(run).evaluation.samples for run in same})
        samples = " or ".join(f"{n:,}" for n in tested)
        texts.append(
            f"{who} tested by the protocol “{protocol}” ({'; '.join([*counts, f'{samples} samples predicted'])})."
        )
    own = [run for run in runs if not run.is_external]
    if own:
        which = (
            "No" if len(own) == len(runs) else f"In the run{'s' if len(own) > 1 else ''} {_numbers(own)}, no"
        )
        texts.append(
            f"{which} sample that a fold holds out had an influence on its network: neither on its weights nor on the scale "
            "of its inputs nor on the choice of its epoch."
        )
    return texts


def _features(runs: Sequence[Run]) -> list[str]:
    kinds = dict.fromkeys(features_in_words(run.settings.features) for run in runs)
    if not kinds:
        return []
    what = " or ".join(f"({text})" for text in kinds)
    return [
        f"The networks saw the optical flow from onset to apex {what} as horizontal motion, vertical motion and optical "
        "strain."
    ]


def _network(group: Sequence[Run]) -> str:
    """Return the sentences about runs that differ only in their seed."""
    config, facts = group[0].settings, network_facts(group[0].settings)
    named = "; ".join(text for text in (facts.paper, facts.package) if text)
    paper = f" ({named})" if named else ""
    size = f", {counted(facts.parameters, 'parameter')}" if facts.parameters else ""
    seeds = sorted(run.seed for run in group)
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {listed([str(seed) for seed in seeds])}"
    start = f"Run{'' if len(group) == 1 else 's'} {_numbers(group)}: {facts.title}{paper}{size}"
    if facts.missing:
        return f"{start}, from a package that is not installed here ({which})."
    if not config.net.trained_by_gradient:
        return f"{start}, fitted to the training samples of each fold ({which})."
    return f"{start}, {_training(config)} ({which})."


def _training(config: RunConfig) -> str:
    train = config.train
    several = f"{config.ensemble} networks per fold, averaged, each " if config.ensemble > 1 else ""
    parts = [
        f"{several}trained for {counted(train.epochs, 'epoch')} with {OPTIMISERS[train.optimizer]}",
        f"batches of {train.batch_size}",
        f"a learning rate of {train.learning_rate:g} with {SCHEDULES[train.schedule]}",
        f"weight decay {train.weight_decay:g}",
        f"{option_name(train.loss).replace('_', ' ')} loss",
    ]
    return f"{', '.join(parts)}; {_epoch_rule(train)}"


def _epoch_rule(train: TrainConfig) -> str:
    if train.epoch_choice == "validation":
        return (
            f"the epoch with the smallest loss on {train.validation_share:.0%} of each fold's training subjects, who were "
            "kept out of training, made the predictions"
        )
    return "the weights of the last epoch made the predictions"


def _external(runs: Sequence[Run]) -> list[str]:
    return [
        f"The predictions of run #{run.pk} “{run.name}” were made by other code; its protocol is declared, not verified."
        for run in runs
        if run.is_external
    ]


def _statistics(runs: Sequence[Run]) -> list[str]:
    texts = [
        "Scores are the unweighted F1 score (UF1: the mean F1 of the classes) and the unweighted average recall (UAR), "
        "as in See et al. (2019), of the predictions pooled over all folds. Their 95% confidence intervals are percentile "
        f"intervals of a bootstrap over subjects ({RESAMPLES:,} resamples), because the samples of one subject are not "
        "independent. They show the variation with other subjects, not with other seeds."
    ]
    if len(runs) < 2:
        return texts
    against = compare_runs(list(runs)).against
    paired = [other for other in against if other.paired is not None]
    if paired:
        adjusted = (
            f", adjusted for {len(paired)} comparisons by the method of Holm (1979)"
            if len(paired) > 1
            else ""
        )
        texts.append(
            f"Differences are relative to run #{runs[0].pk} “{runs[0].name}” and were computed on the same resamples for "
            f"both runs; their p values are two-sided, from the same bootstrap{adjusted}. The exact test of McNemar (1947) "
            "compares the numbers of samples that only one of two runs predicts correctly; it treats all samples as "
            "independent."
        )
    if len(paired) < len(against):
        texts.append(
            f"{counted(len(against) - len(paired), 'run')} could not be paired with the reference, because version, "
            "protocol or tested samples differ."
        )
    return texts


def _software(runs: Sequence[Run]) -> list[str]:
    found = {
        (run.environment.get("code", ""), run.environment.get("torch", ""), run.environment.get("device", ""))
        for run in runs
        if run.environment
    }
    words = [
        f"MER Platform (code {code[:HASH] or 'unknown'}, PyTorch {torch or 'unknown'}, device {device or 'unknown'})"
        for code, torch, device in sorted(found)
    ]
    return [f"Software: {listed(words)}."] if words else []


def _numbers(runs: Sequence[Run]) -> str:
    return listed([f"#{run.pk}" for run in runs])


BIBLIOGRAPHY = """@inproceedings{see2019megc,
  author = {See, John and Yap, Moi Hoon and Li, Jingting and Hong, Xiaopeng and Wang, Su-Jing},
  title = {{MEGC} 2019 -- The Second Facial Micro-Expressions Grand Challenge},
  booktitle = {14th {IEEE} International Conference on Automatic Face and Gesture Recognition ({FG} 2019)},
  year = {2019},
}

@article{holm1979,
  author = {Holm, Sture},
  title = {A Simple Sequentially Rejective Multiple Test Procedure},
  journal = {Scandinavian Journal of Statistics},
  volume = {6},
  number = {2},
  pages = {65--70},
  year = {1979},
}

@article{mcnemar1947,
  author = {McNemar, Quinn},
  title = {Note on the Sampling Error of the Difference between Correlated Proportions or Percentages},
  journal = {Psychometrika},
  volume = {12},
  number = {2},
  pages = {153--157},
  year = {1947},
}

@article{sian2021spp,
  author = {Sian and Stofa and Koo and Zulkifley},
  title = {Micro Expression Recognition: Multi-scale Approach to Automatic Emotion Recognition by using Spatial Pyramid
           Pooling Module},
  journal = {International Journal of Advanced Computer Science and Applications},
  volume = {12},
  number = {12},
  year = {2021},
  doi = {10.14569/IJACSA.2021.0121274},
}

@software{merplatform,
  author = {{The MER Platform maintainers}},
  title = {{MER Platform}},
  license = {Apache-2.0},
}
"""
