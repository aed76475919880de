"""Where lines and areas of charts lie."""

from __future__ import annotations

import pytest

from mcp_django.dashboard.charts import BOTTOM, LABELS, LEFT, RIGHT, TOP, Chart, lines, spark, stacked

WIDTH, HEIGHT = 400, 200
FLOOR, CEILING = HEIGHT - BOTTOM, TOP

Points = list[tuple[float, float]]


def points(text: str) -> Points:
    return [(float(x), float(y)) for x, y in (each.split(",") for each in text.split())]


def value_at(chart: Chart, y: float) -> float:
    """Return what a height means by the chart's own axis."""
    low, high = chart.rows[0], chart.rows[-1]
    return float(high.label) * (low.place - y) / (low.place - high.place)


def drawn(*values: float | None) -> Chart:
    words = [str(place) for place in range(len(values))]
    return lines([("p50", "p50", values)], words, width=WIDTH, height=HEIGHT)


def test_a_line_goes_through_its_values_from_edge_to_edge() -> None:
    values = [3.0, 0.0, 7.5, 1.0]
    chart = drawn(*values)
    (line,) = chart.lines[0].points
    assert [x for x, _ in points(line)] == pytest.approx(
        [LEFT + (WIDTH - LEFT - RIGHT) * place / 3 for place in range(4)], abs=0.06
    )
    assert [value_at(chart, y) for _, y in points(line)] == pytest.approx(values, abs=0.01)


def test_a_line_is_broken_where_there_is_no_value_and_a_single_one_is_a_stroke() -> None:
    pieces = [points(piece) for piece in drawn(None, 1, None, None, 2, 3, None).lines[0].points]
    assert [len(piece) for piece in pieces] == [2, 2]
    assert pieces[0][0] == pieces[0][1]
    assert drawn(None, None).lines[0].points == ()


def test_areas_stand_upon_one_another() -> None:
    words = ["a", "b", "c"]
    series = [("ok", "ok", [1.0, 2.0, 3.0]), ("error", "errors", [1.0, None, 2.0])]
    chart = stacked(series, words, width=WIDTH, height=HEIGHT)
    low, high = (points(area.points[0]) for area in chart.areas)
    assert [value_at(chart, y) for _, y in low[:3]] == pytest.approx([1, 2, 3], abs=0.01)
    assert {y for _, y in low[3:]} == {float(FLOOR)}
    assert [value_at(chart, y) for _, y in high[:3]] == pytest.approx([2, 2, 5], abs=0.01)
    assert high[3:] == list(reversed(low[:3]))


@pytest.mark.parametrize("highest", [0, 0.003, 0.9, 1, 4, 4.1, 17, 99, 1234, 5_000_000])
def test_the_axis_reaches_the_highest_value_in_few_steps(highest: float) -> None:
    chart = drawn(0, highest)
    assert 2 <= len(chart.rows) <= 6
    assert chart.rows[0].place == FLOOR
    assert chart.rows[-1].place == CEILING
    (line,) = chart.lines[0].points
    assert all(CEILING <= y <= FLOOR for _, y in points(line))


def test_the_axis_is_marked_with_round_numbers() -> None:
    assert [row.label for row in drawn(17).rows] == ["0", "5", "10", "15", "20"]
    assert [row.label for row in drawn(0.3).rows] == ["0", "0.1", "0.2", "0.3"]
    assert [row.label for row in drawn(4300).rows] == ["0", "2k", "4k", "6k"]


@pytest.mark.parametrize("count", [1, 5, 60, 96])
def test_some_of_the_words_stand_below_in_order(count: int) -> None:
    chart = drawn(*[1.0] * count)
    assert 1 <= len(chart.words) <= LABELS
    assert chart.words[0].label == "0"
    places = [word.place for word in chart.words]
    assert places == sorted(places)
    assert LEFT <= places[0] <= places[-1] <= WIDTH - RIGHT


def test_nothing_at_all_is_a_chart_as_well() -> None:
    chart = lines([("p50", "p50", [])], [], width=WIDTH, height=HEIGHT)
    assert (chart.lines[0].points, chart.words) == ((), ())
    assert stacked([("ok", "ok", [])], [], width=WIDTH, height=HEIGHT).areas[0].points == ("",)
    assert spark([]) == ""


def test_a_spark_fits_its_box_whatever_the_values() -> None:
    flat, steep = points(spark([0.0, 0.0, 0.0])), points(spark([0, 1e9, 5.0], width=96, height=22))
    assert {y for _, y in flat} == {20.0}
    assert [x for x, _ in steep] == [1.0, 48.0, 95.0]
    assert [y for _, y in steep] == [20.0, 2.0, 20.0]
