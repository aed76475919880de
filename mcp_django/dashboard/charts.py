"""Charts as SVG: where lines and areas lie. ``admin/mcp_django/chart.html`` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 22
"""Room around the lines, for what the axes say."""

LABELS = 6
"""Most words below the time axis."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart, or a word below it."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One series: an area, or one or more lines."""

    name: str
    """As the style sheet calls it."""

    label: str
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template draws."""

    width: int
    height: int
    areas: tuple[Shape, ...]
    lines: tuple[Shape, ...]
    rows: tuple[Tick, ...]
    words: tuple[Tick, ...]

    @property
    def left(self) -> int:
        return LEFT

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def baseline(self) -> int:
        return self.height - 6

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self.areas + self.lines


Series = Sequence[float | None]


def stacked(series: Sequence[tuple[str, str, Series]], words: Sequence[str], *, width: int, height: int) -> Chart:
    """Return areas upon one another.

    Args:
        series: name, label and values of each, the lowest first.
        words: what stands below each value; some of them are shown.
    """
    sums = [[0.0] * len(words)]
    for _, _, values in series:
        sums.append([below + (value or 0) for below, value in zip(sums[-1], values, strict=True)])
    axes = _Axes(len(words), max(sums[-1], default=0), width, height)
    areas = tuple(
        Shape(name, label, (axes.area(low, high),))
        for (name, label, _), low, high in zip(series, sums[:-1], sums[1:], strict=True)
    )
    return Chart(width, height, areas, (), axes.rows(), axes.words(words))


def lines(series: Sequence[tuple[str, str, Series]], words: Sequence[str], *, width: int, height: int) -> Chart:
    """Return lines over one another, broken where there is no value. Arguments as of ``stacked``."""
    highest = max((value for _, _, values in series for value in values if value is not None), default=0)
    axes = _Axes(len(words), highest, width, height)
    shapes = tuple(Shape(name, label, axes.pieces(values)) for name, label, values in series)
    return Chart(width, height, (), shapes, axes.rows(), axes.words(words))


def spark(values: Sequence[float], *, width: int = 96, height: int = 22) -> str:
    """Return the points of a small line without axes."""
    highest = max(values, default=0) or 1
    step = (width - 2) / max(1, len(values) - 1)
    return " ".join(
        f"{1 + place * step:.1f},{height - 2 - value / highest * (height - 4):.1f}"
        for place, value in enumerate(values)
    )


class _Axes:
    """From values to places in the picture."""

    def __init__(self, count: int, highest: float, width: int, height: int) -> None:
        self._step = _round_step(highest)
        self._most = self._step * max(1, ceil(highest / self._step))
        self._count = count
        self._left, self._across = LEFT, width - LEFT - RIGHT
        self._floor, self._up = height - BOTTOM, height - BOTTOM - TOP

    def _x(self, place: int) -> float:
        return self._left + self._across * place / max(1, self._count - 1)

    def _y(self, value: float) -> float:
        return self._floor - self._up * value / self._most

    def _point(self, place: int, value: float) -> str:
        return f"{self._x(place):.1f},{self._y(value):.1f}"

    def area(self, low: Sequence[float], high: Sequence[float]) -> str:
        forth = [self._point(place, value) for place, value in enumerate(high)]
        back = [self._point(place, value) for place, value in reversed(list(enumerate(low)))]
        return " ".join(forth + back)

    def pieces(self, values: Series) -> tuple[str, ...]:
        """Return a line for each run of values; of a single one, a short stroke."""
        found: list[list[str]] = [[]]
        for place, value in enumerate(values):
            if value is None:
                found.append([])
            else:
                found[-1].append(self._point(place, value))
        return tuple(" ".join(piece if len(piece) > 1 else piece * 2) for piece in found if piece)

    def rows(self) -> tuple[Tick, ...]:
        values = [self._step * number for number in range(round(self._most / self._step) + 1)]
        return tuple(Tick(round(self._y(value), 1), _short(value)) for value in values)

    def words(self, words: Sequence[str]) -> tuple[Tick, ...]:
        every = max(1, ceil(len(words) / LABELS))
        return tuple(Tick(round(self._x(place), 1), words[place]) for place in range(0, len(words), every))


def _round_step(highest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that three to five of them reach the highest value."""
    if highest <= 0:
        return 1.0
    rough = highest / 4
    power: float = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough)


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:g}"
