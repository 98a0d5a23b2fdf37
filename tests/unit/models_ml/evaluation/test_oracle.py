"""The leaky diagnostic, worked by hand."""

import pytest

from models_ml.errors import InputError
from models_ml.evaluation.oracle import oracle_scores

# Two folds over three epochs. Right in each epoch: 1, 2, 2 of the first fold's, 2, 0, 1 of the second's.
FOLDS = [
    ([0, 1], [[0, 0], [0, 1], [0, 1]]),
    ([0, 1], [[0, 1], [1, 0], [0, 0]]),
]


def test_the_best_common_epoch_pools_all_folds() -> None:
    """The first and third epochs predict three correctly, the second two. Of equal epochs, the first is chosen."""
    oracle = oracle_scores(FOLDS)
    assert oracle.common_epoch == 1
    assert oracle.common.confusion == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert oracle.curve == pytest.approx([(4 / 5 + 2 / 3) / 2, 1 / 2, (4 / 5 + 2 / 3) / 2])


def test_the_best_epoch_of_each_fold_predicts_all_of_it() -> None:
    oracle = oracle_scores(FOLDS)
    assert oracle.fold_epochs == [2, 1]
    assert oracle.per_fold.uf1 == 1


@pytest.mark.parametrize(
    ("folds", "words"),
    [
        ([], "no folds"),
        ([([0, 1], [[0]])], r"Fold 0 has 2 test samples and predictions of shape \(1, 1\)"),
        ([([0], [[0]]), ([0], [[0], [1]])], "from 1 to 2 epochs"),
        ([([0], [[0], [3]])], "predicted label 3"),
    ],
)
def test_records_that_do_not_fit_are_refused(folds, words) -> None:
    with pytest.raises(InputError, match=words):
        oracle_scores(folds)
