"""Student's t, against SciPy."""

import pytest
from scipy import stats

from models_ml.evaluation.student import two_sided_p, two_sided_quantile


@pytest.mark.parametrize("freedom", [0.7, 1, 2, 3.4, 19, 67, 1e4])
def test_both_directions_equal_scipys(freedom: float) -> None:
    for t in (0.0, 0.01, 0.5, 1.96, -3.0, 12.0, 80.0):
        assert two_sided_p(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-8, abs=1e-15)
    for p in (0.001, 0.05, 0.5, 0.95):
        assert two_sided_quantile(p, freedom) == pytest.approx(stats.t.isf(p / 2, freedom), rel=1e-8)
