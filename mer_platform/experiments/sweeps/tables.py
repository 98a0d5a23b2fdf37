"""The ranking of an experiment's configurations as a table for a paper."""

from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.experiments.tables import measured
from models_ml.paper.tables import Cell, Estimate, Table


def ranking_table(answer: Answer) -> Table:
    """Return rank, varied settings and scores of each configuration, the best first."""
    values = {
        run.pk: [column[number] for column in answer.varied.values()]
        for number, run in enumerate(answer.runs)
    }
    rows: list[tuple[Cell, ...]] = []
    for place, standing in enumerate(answer.standings, start=1):
        rank = standing.rank
        gap = None if rank.behind_interval is None else Estimate(rank.behind, rank.behind_interval)
        rows.append(
            (
                place,
                *(values[standing.run.pk] or [standing.label]),
                Estimate(rank.score, rank.interval),
                Estimate(standing.uar, standing.uar_interval),
                rank.best,
                gap,
                ", ".join(f"#{run.pk}" for run in standing.runs),
            )
        )
    caption = (
        "Configurations by UF1, with 95% intervals from a bootstrap over subjects. The probability of being the best is a "
        "share of the resamples; the intervals of the gap to the best hold for all pairs of configurations at once. "
        + measured(answer.scored)
    )
    settings = list(answer.varied) or ["Configuration"]
    columns = ["Rank", *settings, "UF1", "UAR", "Probability of being the best", "Gap to the best", "Runs"]
    return Table("ranking", caption, columns, rows)
