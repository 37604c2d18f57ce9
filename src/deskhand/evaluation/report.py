"""The report as one HTML file: it loads nothing, so it can be mailed, kept and opened anywhere.

The invariant: every text that came from a set is escaped.
"""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from deskhand.evaluation.charts import bars, reliability_curve
from deskhand.evaluation.figures import TITLES, Figure, Measured, Subject
from deskhand.evaluation.layout import Lack

_EXPLAINED = {
    Subject.RETRIEVAL: "For each question, how high the documents that answer it stand in what the search found. The notch is plain BM25 "
    "on the same questions; the line across a bar's end is the interval in which 95 % of such samples of questions would lie.",
    Subject.ABSTENTION: "Every question goes through the agent. AUROC: how well its confidence tells questions that the documents answer "
    "from those that they do not (0.5 is chance). The curve holds how sure it was against how often it was right.",
    Subject.INTENTS: "Sentences of customers, each with what it is about; found by the search over the sentences to learn from.",
    Subject.GATE: "Sentences of right answers must pass; the same sentences with one figure, date or name changed must be stopped.",
    Subject.INJECTION: "Texts with orders to the agent in them must be flagged; customers' sentences, and harmless texts that use the same "
    "words, must not. What is flagged is marked, never dropped: what it asks for is refused by other means.",
    Subject.PERSON: "Sentences in which a customer wants a person, and others.",
}
_STYLE = """
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d1f23;--soft:#676b73;--line:#e6e6e3;--track:#efefec;--bar:#2f6f6a;
--less:#b4622d;--mark:#1d1f23;--base:#c43d3d}
@media(prefers-color-scheme:dark){:root{--page:#131517;--card:#1b1e21;--ink:#ececea;--soft:#9a9fa8;--line:#2c3034;--track:#272b2f;
--bar:#5fb3ab;--less:#e09a62;--mark:#fff;--base:#ff8a80}}*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:980px;margin:0 auto;padding:40px 24px 72px}h1{font-size:28px;letter-spacing:-.02em;margin:0}
h2{font-size:19px;margin:0}.under{color:var(--soft);margin:6px 0 28px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:24px;margin:0 0 20px}
section>p{color:var(--soft);margin:4px 0 18px;max-width:70ch;font-size:14px}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));margin:0 0 20px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tile b{display:block;font-size:26px;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile span{font-size:13px;color:var(--soft)}h3{font-size:14px;font-weight:600;margin:22px 0 4px}
h3 span{color:var(--soft);font-weight:400}.chart{display:block;width:100%;height:auto;max-width:720px;margin:6px 0}
.square{max-width:380px}.chart text{font-size:12.5px;fill:var(--ink)}
.chart .tick,.chart .axis{fill:var(--soft);font-size:11px;text-anchor:middle}
.chart .end,.chart .name,.chart .value{text-anchor:end}.chart .value{font-variant-numeric:tabular-nums;font-weight:600}
.grid{stroke:var(--line);fill:none}.track{fill:var(--track)}.bar{fill:var(--bar)}.less{fill:var(--less)}
.interval{stroke:var(--mark);stroke-width:1.4;fill:none}.baseline{stroke:var(--base);stroke-width:2}
.diagonal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}.curve{stroke:var(--bar);stroke-width:2;fill:none}
.dot{fill:var(--bar);stroke:var(--card);stroke-width:1.5}.key{font-size:13px;color:var(--soft);margin:0 0 4px}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;vertical-align:-1px;margin:0 5px 0 14px}
.key i:first-child{margin-left:0}.wrap{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:7px 8px;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:500}th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
ul{margin:8px 0 0;padding-left:20px;font-size:14px;color:var(--soft)}code{font:13px ui-monospace,SFMono-Regular,Menlo,monospace}
"""


def render_report(measured: Sequence[Measured], lacks: Sequence[Lack], *, folder: str, model: str) -> str:
    ordered = sorted(measured, key=lambda each: list(Subject).index(each.subject))
    sections = [_section(subject, list(group)) for subject, group in groupby(ordered, key=lambda each: each.subject)]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>How good the answers are</title><style>{_STYLE}</style></head><body><main>"
        "<h1>How good the answers are</h1>"
        f'<p class="under">Measured on {escape(folder)}, answered by the model <code>{escape(model)}</code>.</p>'
        f"{_tiles(ordered)}{''.join(sections)}{_table(ordered)}{_lacking(lacks)}</main></body></html>\n"
    )


def _tiles(measured: Sequence[Measured]) -> str:
    """The first figure of each subject, on average over its sets."""
    shown: list[str] = []
    for subject, group in groupby(measured, key=lambda each: each.subject):
        name = next(figure.name for figure in next(iter(group)).figures)
        found = [figure for each in measured if each.subject is subject for figure in each.figures if figure.name == name]
        mean = sum(figure.value for figure in found) / len(found)
        sets = f"{len(found)} sets" if len(found) > 1 else "1 set"
        shown.append(f'<div class="tile"><b>{mean:.3f}</b><span>{escape(found[0].title)}<br>{subject.value}, {sets}</span></div>')
    return f'<div class="tiles">{"".join(shown)}</div>'


def _section(subject: Subject, measured: Sequence[Measured]) -> str:
    parts = [f"<section><h2>{TITLES[subject]}</h2><p>{_EXPLAINED[subject]}</p>"]
    if subject is Subject.RETRIEVAL:
        parts.append('<p class="key"><i style="background:var(--bar)"></i>Deskhand<i style="background:var(--base);width:3px"></i>BM25</p>')
    side_by_side = [each for each in measured if subject is Subject.RETRIEVAL or len(each.figures) == 1]
    for title in dict.fromkeys(figure.title for each in side_by_side for figure in each.figures):
        rows = [(each.set, figure) for each in side_by_side for figure in each.figures if figure.title == title]
        parts.append(f"<h3>{escape(title)}</h3>{bars(rows, label=title)}")
    for each in measured:
        if each not in side_by_side:
            parts.append(f"<h3>{escape(each.set)} <span>{escape(each.counted)}</span></h3>")
            parts.append(bars([(figure.title, figure) for figure in each.figures], label=each.set))
        if each.reliability:
            parts.append(reliability_curve(each.reliability))
        if each.families:
            rows = [(f"{name} ({total})", Figure("found", name, found / total)) for name, total, found in each.families]
            parts.append(f"<h3>{escape(each.set)}, by family</h3>{bars(rows, label=f'{each.set}, by family')}")
    return "".join([*parts, "</section>"])


def _table(measured: Sequence[Measured]) -> str:
    rows = [
        f"<tr><td>{escape(each.set)}.{figure.name}</td><td>{escape(figure.title)}</td><td>{figure.value:.4f}</td>"
        f"<td>{_between(figure)}</td><td>{'–' if figure.baseline is None else f'{figure.baseline:.4f}'}</td></tr>"
        for each in measured
        for figure in each.figures
    ]
    return (
        "<section><h2>All figures</h2><p>The first column is the name that <code>--fail-under</code> and <code>--fail-over</code> take.</p>"
        '<div class="wrap"><table><thead><tr><th>name</th><th>figure</th><th>value</th><th>95 % interval</th><th>BM25</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _between(figure: Figure) -> str:
    return "–" if figure.low is None or figure.high is None else f"{figure.low:.3f} – {figure.high:.3f}"


def _lacking(lacks: Sequence[Lack]) -> str:
    if not lacks:
        return ""
    items = "".join(f"<li><code>{escape(str(lack.path))}</code>: {escape(lack.reason)}</li>" for lack in lacks)
    return f"<section><h2>Not measured</h2><ul>{items}</ul></section>"
