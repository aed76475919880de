"""A plot of a run: ``python -m benchmarks.plot FIGURES.json docs/images/performance.svg``.

Bars of CPU per call, on a scale of logarithms, since the slowest takes hundreds of times as much as the fastest.
"""

from __future__ import annotations

import json
import sys
from html import escape
from math import ceil, log10
from pathlib import Path
from typing import Any

WIDTH, ROW, LEFT, RIGHT, TOP = 760, 26, 335, 70, 58
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .soft { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 }
  .bar { fill: #8c959f }
  .ours { fill: #0a7d4f }
  .bare { fill: #c5cdd5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .soft { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .bar { fill: #6e7781 }
    .ours { fill: #2ea371 }
    .bare { fill: #4a525b }
  }
"""


def bars_of(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """Return names and multiples of the bare application's CPU. Raises ``LookupError`` when no peer was measured."""
    table = next(table for table in figures["tables"] if table["title"].startswith("Peers:"))
    rows = [(f"{row['server']} ({row['era']})", row["x bare"]) for row in table["rows"] if row["server"] != "bare"]
    return [("bare ASGI application", 1.0), *sorted(rows, key=lambda row: float(row[1]))]


def draw(bars: list[tuple[str, float]], caption: str) -> str:
    """Return the plot as SVG, readable on light and on dark."""
    decades = max(1, ceil(log10(max(value for _, value in bars))))
    unit = (WIDTH - LEFT - RIGHT) / decades
    bottom = TOP + ROW * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 34}" role="img" '
        'aria-labelledby="title">',
        f"<style>{STYLE}</style>",
        '<text id="title" class="title" x="12" y="24">CPU of one tools/call, as multiples of a bare application</text>',
        f'<text class="soft" x="12" y="43">{escape(caption)}</text>',
    ]
    for power in range(decades + 1):
        x = LEFT + unit * power
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{10**power}x</text>')
    for number, (name, value) in enumerate(bars):
        lines += _bar(number, name, value, unit)
    return "\n".join([*lines, "</svg>", ""])


def _bar(number: int, name: str, value: float, unit: float) -> list[str]:
    kind = "ours" if name.startswith("mcp_django") else "bare" if name.startswith("bare") else "bar"
    y, length = TOP + ROW * number, max(2.0, unit * log10(value))
    return [
        f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}" rx="2"/>',
        f'<text class="soft" x="{LEFT + length + 6:.1f}" y="{y + 17}">{value:.3g}x</text>',
    ]


def main(source: str, target: str) -> None:
    """Read the figures of a run, and write its plot."""
    figures = json.loads(Path(source).read_text(encoding="utf-8"))
    with_what = f"{figures['date']}, Python {figures['python']}, mcp {figures['versions']['mcp']}"
    caption = f"8 keep-alive connections, on uvicorn where nothing else is said; {with_what}"
    Path(target).write_text(draw(bars_of(figures), caption), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
