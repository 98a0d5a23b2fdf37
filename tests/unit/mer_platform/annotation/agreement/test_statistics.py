"""Agreement between coders, against examples worked by hand and the textbooks' own."""

import itertools
import random

import pytest
from sklearn.metrics import cohen_kappa_score

from mer_platform.annotation.agreement.statistics import (
    SeenExpression,
    cohen_kappa,
    describe_differences,
    group_expressions,
    kappa_interval,
    krippendorff_alpha,
    match_expressions,
    mean_frame,
    overlap,
    reliability,
)


def units(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def test_reliability_is_the_share_of_units_that_both_coded():
    # 4+7 against 4: one in common, three coded. 2·1/3.
    assert reliability([(units(4, 7), units(4))]) == pytest.approx(2 / 3)
    # CASME counts over all samples: (1 + 2) in common, (3 + 5) coded.
    assert reliability([(units(4, 7), units(4)), (units(6, 12), units(6, 12, 25))]) == pytest.approx(6 / 8)


def test_reliability_of_no_units_is_not_a_number():
    assert reliability([]) is None
    assert reliability([(units(), units())]) is None
    assert reliability([(units(4), units())]) == 0


def test_kappa_of_the_example_worked_by_hand():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5, so (0.7 - 0.5) / 0.5.
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


def test_kappa_is_what_scikit_learn_computes():
    draw = random.Random(3)
    pairs = [(draw.choice("abcd"), draw.choice("abc")) for _ in range(60)]
    assert cohen_kappa(pairs) == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize("pairs", [[], [("a", "a")], [("a", "a")] * 9])
def test_kappa_is_undefined_where_only_one_word_was_ever_used(pairs):
    assert cohen_kappa(pairs) is None


def test_kappas_interval_holds_it_and_needs_five_subjects():
    draw = random.Random(1)
    pairs = [(w, w if draw.random() < 0.8 else draw.choice("abc")) for w in draw.choices("abc", k=80)]
    low, high = kappa_interval(pairs, [n % 10 for n in range(80)])
    assert low < cohen_kappa(pairs) < high
    assert (low, high) == kappa_interval(pairs, [n % 10 for n in range(80)])
    assert kappa_interval(pairs, [n % 4 for n in range(80)]) is None


def test_alpha_of_krippendorffs_own_example():
    # Krippendorff 2011, section C: four observers, twelve units, nominal data: α = 0.743.
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    columns = [[str(v) for v in column if v is not None] for column in zip(*rows, strict=True)]
    assert krippendorff_alpha(columns) == pytest.approx(0.743, abs=0.0005)


def test_alpha_is_one_for_perfect_agreement_and_undefined_without_variety():
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a"], ["b"]]) is None


def test_overlap_is_intersection_over_union_of_frames():
    assert overlap(SeenExpression(10, 12, 19), SeenExpression(10, 15, 19)) == 1
    assert overlap(SeenExpression(10, 12, 19), SeenExpression(20, 25, 29)) == 0
    assert overlap(SeenExpression(10, 12, 19), SeenExpression(19, 25, 28)) == pytest.approx(1 / 19)


def test_expressions_are_paired_for_the_best_total_not_one_after_the_other():
    # The first overlaps most with the second of b (12/28, against 11/27); but then the other would have nothing.
    a = [SeenExpression(10, 15, 29), SeenExpression(30, 35, 49)]
    b = [SeenExpression(3, 8, 20), SeenExpression(18, 25, 37)]
    assert match_expressions(a, b) == [(0, 0), (1, 1)]


def test_what_one_coder_alone_saw_stays_unpaired():
    assert match_expressions(
        [SeenExpression(0, 1, 2), SeenExpression(50, 55, 60)], [SeenExpression(51, 55, 61)]
    ) == [(1, 0)]
    assert match_expressions([], [SeenExpression(0, 1, 2)]) == []
    assert match_expressions([SeenExpression(0, 1, 2)], []) == []


@pytest.mark.parametrize("seed", range(8))
def test_no_other_pairing_has_a_larger_total_overlap(seed):
    draw = random.Random(seed)
    onsets = [[draw.randrange(60) for _ in range(count)] for count in (3 + seed % 3, 5)]
    a, b = ([SeenExpression(onset, onset, onset + draw.randrange(5, 25)) for onset in row] for row in onsets)
    found = match_expressions(a, b)
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)
    best = max(
        sum(overlap(x, b[j]) for x, j in zip(a, order, strict=True))
        for order in itertools.permutations(range(len(b)), len(a))
    )
    assert sum(overlap(a[i], b[j]) for i, j in found) == pytest.approx(best)


def test_of_two_expressions_that_overlap_equally_the_first_is_paired():
    halves = [SeenExpression(10, 12, 19), SeenExpression(20, 25, 29)]
    whole = [SeenExpression(10, 20, 29)]
    assert match_expressions(whole, halves) == [(0, 0)]
    assert match_expressions(halves, whole) == [(0, 0)]
    apart = [SeenExpression(50, 55, 59), SeenExpression(70, 75, 79)]
    assert match_expressions([*whole, apart[0]], [*halves, apart[1]]) == [(0, 0)]


def test_expressions_of_three_coders_come_together_in_order_of_time():
    early, late = SeenExpression(5, 8, 12), SeenExpression(50, 55, 60)
    groups = group_expressions(
        {"a": [late], "b": [SeenExpression(6, 9, 13), SeenExpression(51, 56, 61)], "c": [early, late]}
    )
    assert [sorted(members) for members in groups] == [["b", "c"], ["a", "b", "c"]]


def test_means_of_frames_are_rounded_half_up():
    assert [mean_frame(frames) for frames in ([10, 11], [11, 12], [10, 10, 11])] == [11, 12, 10]


def test_differences_say_who_is_later_and_how_far_apart():
    found = describe_differences([-2, -4, 0])
    assert (found.mean, found.mean_absolute, found.median_absolute, found.largest) == (-2, 2, 2, 4)
    assert describe_differences([]) is None
