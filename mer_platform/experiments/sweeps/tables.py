"""The tables of an experiment: its configurations, UF1 over two settings, and the effects of its settings."""

from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.experiments.sweeps.effects import ShownEffects
from mer_platform.experiments.sweeps.figures import means_of_pairs
from mer_platform.experiments.tables import measured
from models_ml.evaluation.uncertainty import RESAMPLES
from models_ml.paper.tables import Cell, Estimate, Table

_INTERVALS = f"In parentheses, 95% intervals from a bootstrap over subjects ({RESAMPLES:,} resamples)."


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


def pairs(answer: Answer, x: str, y: str) -> Table:
    """Mean UF1 for each pair of values of two settings."""
    columns, lines, means = means_of_pairs(answer, x, y)
    caption = f"Mean UF1 by {x.lower()} and {y.lower()}, over all other settings and seeds. {measured(answer.scored)}"
    rows = [[line, *own] for line, own in zip(lines, means, strict=True)]
    return Table("pairs", caption, [y, *(f"{x} {column}" for column in columns)], rows)


def effects(answer: Answer, shown: ShownEffects) -> Table:
    """Mean UF1 and UAR of each value of each setting, with the other settings averaged."""
    caption = (
        f"Mean UF1 and UAR of each value of each setting, over the other settings and over seeds. {_INTERVALS} The gap is "
        "the UF1 of the setting's best value minus that of the value; its intervals hold for all pairs of values of all "
        f"settings at once. {measured(answer.scored)}"
    )
    rows = [
        (
            one.effect.setting,
            row.uf1.value,
            Estimate(row.uf1.score, row.uf1.interval),
            Estimate(row.uar.score, row.uar.interval),
            None if row.uf1.behind_interval is None else Estimate(row.uf1.behind, row.uf1.behind_interval),
            one.effect.combinations,
        )
        for one in shown.settings
        for row in one.rows
    ]
    columns = ("Setting", "Value", "UF1", "UAR", "Gap to the best value", "Combinations averaged")
    return Table("effects", caption, columns, rows)
