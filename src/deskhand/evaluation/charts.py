"""Charts as SVG: figures as bars with their intervals, confidence against what was right. Pure.

The invariant: colours are names of the page's own variables, so that one drawing serves light and dark; every text from outside is escaped.
"""

from collections.abc import Sequence
from html import escape

from deskhand.evaluation.figures import Figure
from deskhand.evaluation.measures import Bin

_WIDTH = 720
_LABEL = 268
_VALUE = 62
_TRACK = _WIDTH - _LABEL - _VALUE
_ROW = 30
_BAR = 12
_PLOT = 300
_MARGIN = 40
_LARGEST_DOT = 13


def bars(rows: Sequence[tuple[str, Figure]], *, label: str) -> str:
    """A bar for each figure, labelled; its 95 % interval as a line, BM25 as a notch. All on one scale from 0 to 1."""
    height = _ROW * len(rows) + 24
    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">']
    for tenth in (0, 25, 50, 75, 100):
        x = _LABEL + _TRACK * tenth / 100
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 20}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 6}">{tenth / 100:g}</text>')
    for at, (name, figure) in enumerate(rows):
        parts += _bar(name, figure, middle=_ROW * at + _ROW / 2)
    return "".join([*parts, "</svg>"])


def _bar(name: str, figure: Figure, *, middle: float) -> list[str]:
    width = max(1.5, _TRACK * figure.value)
    kind = "bar" if figure.higher_is_better else "bar less"
    drawn = [
        f'<text class="name" x="{_LABEL - 12}" y="{middle + 4:.1f}">{escape(_short(name))}<title>{escape(name)}</title></text>',
        f'<rect class="track" x="{_LABEL}" y="{middle - _BAR / 2:.1f}" width="{_TRACK}" height="{_BAR}" rx="3"/>',
        f'<rect class="{kind}" x="{_LABEL}" y="{middle - _BAR / 2:.1f}" width="{width:.1f}" height="{_BAR}" rx="3"/>',
        f'<text class="value" x="{_WIDTH - 4}" y="{middle + 4:.1f}">{figure.value:.3f}</text>',
    ]
    if figure.low is not None and figure.high is not None:
        low, high = _LABEL + _TRACK * figure.low, _LABEL + _TRACK * figure.high
        drawn.append(
            f'<path class="interval" d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 4:.1f}v8M{high:.1f} {middle - 4:.1f}v8"/>'
        )
    if figure.baseline is not None:
        x = _LABEL + _TRACK * figure.baseline
        drawn.append(f'<line class="baseline" x1="{x:.1f}" x2="{x:.1f}" y1="{middle - 11:.1f}" y2="{middle + 11:.1f}"/>')
    return drawn


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def reliability_curve(bins: Sequence[Bin]) -> str:
    """How sure the agent was, to the right, and how often it was right, upwards. On the diagonal both are the same."""
    size = _PLOT + 2 * _MARGIN
    most = max(each.count for each in bins)
    parts = [f'<svg class="chart square" viewBox="0 0 {size} {size}" role="img" aria-label="Reliability of the confidence">']
    for part in (0, 0.25, 0.5, 0.75, 1):
        x, y = _MARGIN + _PLOT * part, _MARGIN + _PLOT * (1 - part)
        parts.append(f'<path class="grid" d="M{x:.1f} {_MARGIN}v{_PLOT}M{_MARGIN} {y:.1f}h{_PLOT}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{size - 20}">{part:g}</text>')
        parts.append(f'<text class="tick end" x="{_MARGIN - 8}" y="{y + 4:.1f}">{part:g}</text>')
    parts.append(f'<path class="diagonal" d="M{_MARGIN} {_MARGIN + _PLOT}L{_MARGIN + _PLOT} {_MARGIN}"/>')
    points = [(_MARGIN + _PLOT * each.confidence, _MARGIN + _PLOT * (1 - each.right), each) for each in bins]
    parts.append(f'<polyline class="curve" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)}"/>')
    for x, y, each in points:
        radius = 3 + (_LARGEST_DOT - 3) * (each.count / most) ** 0.5
        title = f"{each.count} questions: confidence {each.confidence:.2f}, right {each.right:.2f}"
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{title}</title></circle>')
    parts.append(f'<text class="axis" x="{_MARGIN + _PLOT / 2}" y="{size - 3}">how sure it was</text>')
    parts.append(f'<text class="axis" transform="translate(12 {_MARGIN + _PLOT / 2}) rotate(-90)">how often it was right</text>')
    return "".join([*parts, "</svg>"])
