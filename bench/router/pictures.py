"""Curves as SVG, drawn here: a picture of a few lines is no reason for a dependency."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
WIDE, HIGH, LEFT, BELOW, ABOVE, LEGEND = 720, 420, 64, 48, 32, 190
COLOURS = ("#c0392b", "#7f8c8d", "#95a5a6", "#2980b9", "#27ae60", "#8e44ad", "#d68910", "#16a085")
TICKS = 5


def curves(file: Path, title: str, across: str, up: str, lines: Mapping[str, tuple[Array, Array]]) -> None:
    """Write one picture: a line with dots for each name, the first drawn thick."""
    xs = np.concatenate([x for x, _ in lines.values()])
    ys = np.concatenate([y for _, y in lines.values()])
    bounds = (float(xs.min()), float(xs.max()), float(ys.min()), float(ys.max()))
    drawn = [_frame(title, across, up, bounds)]
    for at, (name, (x, y)) in enumerate(lines.items()):
        colour, thick = COLOURS[at % len(COLOURS)], 2.6 if at == 0 else 1.2
        points = [_place(a, b, bounds) for a, b in zip(x, y, strict=True)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        drawn += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{thick:.1f}" fill="{colour}"/>' for a, b in points]
        height = ABOVE + 14 + 18 * at
        drawn.append(f'<rect x="{WIDE - LEGEND + 12}" y="{height - 8}" width="12" height="4" fill="{colour}"/>')
        drawn.append(f'<text x="{WIDE - LEGEND + 30}" y="{height - 2}">{escape(name)}</text>')
    file.parent.mkdir(parents=True, exist_ok=True)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">'
    )
    body = "\n".join(drawn)
    file.write_text(f'{head}\n<rect width="{WIDE}" height="{HIGH}" fill="white"/>\n{body}\n</svg>\n', encoding="utf-8")


def _place(x: float, y: float, bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    left, right, low, high = bounds
    across = (x - left) / ((right - left) or 1)
    up = (y - low) / ((high - low) or 1)
    return LEFT + across * (WIDE - LEGEND - LEFT), HIGH - BELOW - up * (HIGH - BELOW - ABOVE)


def _frame(title: str, across: str, up: str, bounds: tuple[float, float, float, float]) -> str:
    left, right, low, high = bounds
    drawn = [
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDE - LEGEND) / 2}" y="{HIGH - 10}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(14 {HIGH / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for step in range(TICKS + 1):
        x, y = left + (right - left) * step / TICKS, low + (high - low) * step / TICKS
        a, _ = _place(x, low, bounds)
        _, b = _place(left, y, bounds)
        drawn.append(f'<line x1="{LEFT}" y1="{b:.1f}" x2="{WIDE - LEGEND}" y2="{b:.1f}" stroke="#eeeeee"/>')
        drawn.append(f'<text x="{a:.1f}" y="{HIGH - BELOW + 16}" text-anchor="middle">{x:.3g}</text>')
        drawn.append(f'<text x="{LEFT - 6}" y="{b + 4:.1f}" text-anchor="end">{y:.3f}</text>')
    return "\n".join(drawn)
