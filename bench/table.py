"""What the benchmark prints, and how programs take turns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from load import PageFigures
from people import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from load import Pages, Trips

TURNS = 5
_WIDTH = 52


def title(text: str) -> None:
    """Print what the next lines are about."""
    print(f"\n{text}\n", flush=True)


def pages_heading() -> None:
    """Print the heading of lines by `pages_row`."""
    line("", "pages/s", "p50 ms", "p99 ms", "failed")


def pages_row(what: str, figures: PageFigures, note: str = "") -> None:
    """Print what wrk has measured."""
    rate = f"{figures.rate:.0f}"
    line(what, rate, f"{figures.p50:.1f}", f"{figures.p99:.1f}", str(figures.failed), note=note)


def trips_heading() -> None:
    """Print the heading of lines by `trips_row`."""
    line("", "CPU ms", "trips/s", "POST p50", "p99", "trip p50", "p99", "queued", "failed")


def trips_row(what: str, figures: Figures, note: str = "") -> None:
    """Print what people's trips took."""
    line(
        what,
        f"{figures.cpu_ms:.1f}" if figures.cpu_ms else "—",
        f"{figures.rate:.0f}",
        *(f"{value:.0f}" for value in (*figures.post[:2], *figures.trip[:2])),
        f"{figures.queued:.1%}",
        str(figures.failed),
        note=note,
    )


def line(what: str, *values: str, note: str = "") -> None:
    """Print a line, or a heading."""
    columns = "".join(f"{value:>9}" for value in values)
    print(f"{what:{_WIDTH}}{columns}  {note}".rstrip(), flush=True)


def pages_in_turn(loads: Sequence[Callable[[], Pages]]) -> list[PageFigures]:
    """Return the medians of each. They take turns: what else the machine does hits all alike."""
    turns = [[load().figures() for load in loads] for _ in range(TURNS)]
    return [
        PageFigures(
            rate=median(run.rate for run in runs),
            p50=median(run.p50 for run in runs),
            p99=median(run.p99 for run in runs),
            failed=sum(run.failed for run in runs),
        )
        for runs in zip(*turns, strict=True)
    ]


def trips_in_turn(loads: Sequence[Callable[[], Trips]]) -> list[tuple[Figures, str]]:
    """Return the medians of each, and the least and greatest processor time of a trip."""
    turns = [[load().figures() for load in loads] for _ in range(TURNS)]
    return [(medians(runs), _spread(runs)) for runs in zip(*turns, strict=True)]


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure; outcomes are added up."""
    outcomes: Counter[str] = Counter()
    for run in runs:
        outcomes.update(run.outcomes)
    return Figures(
        rate=median(run.rate for run in runs),
        cpu_ms=median(run.cpu_ms for run in runs),
        load_ms=median(run.load_ms for run in runs),
        page=[median(values) for values in zip(*(run.page for run in runs), strict=True)],
        post=[median(values) for values in zip(*(run.post for run in runs), strict=True)],
        trip=[median(values) for values in zip(*(run.trip for run in runs), strict=True)],
        outcomes=dict(outcomes),
    )


def _spread(runs: Sequence[Figures]) -> str:
    taken = [run.cpu_ms for run in runs]
    return f"CPU {min(taken):.1f} to {max(taken):.1f}"


def together(runs: Sequence[Figures]) -> Figures:
    """Return the figures of people at several servers at the same time.

    The rates add up; processor times count by their trips. The worst of the other figures stands
    for all.
    """
    rate = sum(run.rate for run in runs)
    outcomes: Counter[str] = Counter()
    for run in runs:
        outcomes.update(run.outcomes)
    return replace(
        runs[0],
        rate=rate,
        cpu_ms=sum(run.rate * run.cpu_ms for run in runs) / max(rate, 1),
        load_ms=sum(run.rate * run.load_ms for run in runs) / max(rate, 1),
        page=[max(values) for values in zip(*(run.page for run in runs), strict=True)],
        post=[max(values) for values in zip(*(run.post for run in runs), strict=True)],
        trip=[max(values) for values in zip(*(run.trip for run in runs), strict=True)],
        outcomes=dict(outcomes),
    )
