"""The plots of kept results, as SVG beside them: `python benchmarks/plots.py benchmarks/results/NAME.json`.

`NAME-latency.svg`: latencies over the rate that was asked for, from bench_load. `NAME-scale.svg`: what a
message costs over each dimension of scale, from the least to the most, from bench_scale; the band is 15 %
more than the least.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from html import escape
from math import ceil, log10
from pathlib import Path

Point = tuple[float, float]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 64, 36, 150, 44
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b2d8b", "#b8860b", "#444444", "#0f8b8d", "#a23e48", "#6d6875")
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">'
)


class Plot:
    """Lines over a logarithmic x; y from 0, or logarithmic too."""

    def __init__(self, title: str, x: str, y: str, lines: dict[str, Sequence[Point]], log_y: bool) -> None:
        self.title, self.x, self.y, self.lines, self.log_y = title, x, y, lines, log_y
        points = [point for line in lines.values() for point in line]
        self.least_x, self.most_x = min(x for x, _ in points), max(x for x, _ in points)
        self.most_y = (
            10 ** ceil(log10(max(y for _, y in points))) if log_y else max(y for _, y in points) * 1.15
        )
        self.least_y = 10 ** (ceil(log10(min(y for _, y in points))) - 1) if log_y else 0.0

    def at(self, point: Point) -> Point:
        """Where a point is in the picture."""
        x = log10(point[0] / self.least_x) / (log10(self.most_x / self.least_x) or 1)
        y = point[1] / self.most_y
        if self.log_y:
            y = log10(point[1] / self.least_y) / log10(self.most_y / self.least_y)
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        if self.log_y:
            return [10**n for n in range(round(log10(self.least_y)), round(log10(self.most_y)) + 1)]
        step = 10 ** (ceil(log10(self.most_y)) - 1) / 5
        return [n * step for n in range(int(self.most_y / step) + 1)]

    def marks(self) -> list[float]:
        """Of the x axis: the points' own, or the powers of ten if those are many."""
        own = sorted({point[0] for line in self.lines.values() for point in line})
        powers = [10.0**n for n in range(ceil(log10(self.least_x)), ceil(log10(self.most_x)) + 1)]
        return own if len(own) <= 8 else [power for power in powers if power <= self.most_x]

    def svg(self, band: tuple[float, float] | None = None) -> str:
        """The picture."""
        parts = [HEAD.format(w=WIDTH, h=HEIGHT), '<rect width="100%" height="100%" fill="white"/>']
        parts.append(f'<text x="{LEFT}" y="20" font-size="14">{escape(self.title)}</text>')
        if band:
            (x, top), (_, bottom) = self.at((self.least_x, band[1])), self.at((self.least_x, band[0]))
            size = f'width="{WIDTH - LEFT - RIGHT}" height="{bottom - top:.1f}"'
            parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" {size} fill="#e8f0e8"/>')
        for value in self.ticks():
            y = self.at((self.least_x, value))[1]
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value in self.marks():
            x = self.at((value, self.most_y))[0]
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle">{value:,.0f}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(self.x)}</text>')
        parts.append(f'<text x="12" y="{TOP - 4}">{escape(self.y)}</text>')
        for at, ((name, line), colour) in enumerate(zip(self.lines.items(), COLOURS * 3, strict=False)):
            places = [self.at(point) for point in line]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
            x, y = WIDTH - RIGHT + 12, TOP + 12 + 18 * at
            parts.append(f'<text x="{x}" y="{y}" fill="{colour}">{escape(name)}</text>')
        return "\n".join([*parts, "</svg>"]) + "\n"


def of_rates(figures: dict[str, dict[str, float]]) -> dict[str, Sequence[Point]]:
    """Latencies by what they are, over the rate."""
    lines: dict[str, list[Point]] = {}
    for name, figure in figures.items():
        if found := re.fullmatch(r"load: (submit to \w+ p\d+), at (\d+) a second", name):
            lines.setdefault(found[1].removeprefix("submit to "), []).append(
                (float(found[2]), figure["value"])
            )
    return {name: sorted(line) for name, line in lines.items()}


def of_scale(figures: dict[str, dict[str, float]]) -> dict[str, Sequence[Point]]:
    """Cost in parts of that of the least size, over how many times the least."""
    lines: dict[str, list[Point]] = {}
    for name, figure in figures.items():
        if found := re.fullmatch(r"scale: (\w+) (\d+), of (\d+)", name):
            line = lines.setdefault(found[1], [(1.0, 1.0)])
            line.append((float(found[2]) / max(1.0, float(found[3])), figure["value"]))
    return {name: sorted(line) for name, line in lines.items()}


def draw(results: Path) -> None:
    """Write the plots that the results have figures for."""
    document = json.loads(results.read_text("utf-8"))
    commits, processor = document["commits"], document["machine"].split(",")[0]
    if lines := of_rates(document["figures"]):
        of = f"{commits['load']}, {processor}"
        plot = Plot(f"Latency over load ({of})", "messages a second", "ms", lines, log_y=True)
        results.with_name(f"{results.stem}-latency.svg").write_text(plot.svg(), "utf-8")
    if lines := of_scale(document["figures"]):
        of = f"{commits['scale']}, {processor}"
        plot = Plot(
            f"Cost of a message over scale ({of})", "times the least", "of the least", lines, log_y=False
        )
        results.with_name(f"{results.stem}-scale.svg").write_text(plot.svg((1.0, 1.15)), "utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
