// Charts as inline SVG: no library, no style attributes (the page's security policy forbids them), and a table for those who cannot see.

import { make } from "../../chat/dom";
import { formatter } from "../../chat/texts";
import type { Day } from "../api/types";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 34;
const BOTTOM = 26;
const TOP = 12;

type Attributes = Readonly<Record<string, string | number>>;

function draw(tag: string, attributes: Attributes, ...children: readonly (Node | string)[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** The least round number that is at least `value`: the top of an axis. */
export function roundUp(value: number): number {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  // Of quarters of an axis, as of sessions, there are only whole ones.
  const step = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= value && (candidate * power) % 4 === 0) ?? 12;
  return step * power;
}

/** Sessions by day: solved by the AI, brought to people, and the rest. */
export function drawDays(days: readonly Day[]): HTMLElement {
  const top = roundUp(Math.max(0, ...days.map((day) => day.sessions)));
  const height = HEIGHT - TOP - BOTTOM;
  const step = (WIDTH - LEFT) / Math.max(1, days.length);
  const barWidth = Math.min(44, step * 0.58);
  const y = (value: number) => TOP + height - (value / top) * height;
  const chart = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "chart",
    role: "img",
    "aria-label": "Sessions by day; the table below has the numbers",
  });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const line = y(top * share);
    chart.append(
      draw("line", { x1: LEFT, x2: WIDTH, y1: line, y2: line, class: "grid" }),
      draw("text", { x: LEFT - 8, y: line + 4, class: "tick", "text-anchor": "end" }, String(top * share)),
    );
  }
  const labelEvery = Math.ceil(days.length / 10);
  days.forEach((day, index) => {
    const x = LEFT + step * index + (step - barWidth) / 2;
    let below = 0;
    for (const [kind, value] of partsOf(day)) {
      if (value <= 0) continue;
      const bar = draw("rect", {
        x,
        y: y(below + value),
        width: barWidth,
        height: y(below) - y(below + value),
        rx: 3,
        class: `bar bar-${kind}`,
      });
      bar.append(
        draw(
          "title",
          {},
          `${dayText(day.day)}: ${value} ${kind === "ai" ? "solved by the AI" : kind === "people" ? "to people" : "other"}`,
        ),
      );
      chart.append(bar);
      below += value;
    }
    if (index % labelEvery === 0)
      chart.append(draw("text", { x: x + barWidth / 2, y: HEIGHT - 8, class: "tick", "text-anchor": "middle" }, dayText(day.day)));
  });
  return make("figure", { class: "chart-figure" }, chart, drawLegend(), drawTable(days));
}

function partsOf(day: Day): readonly (readonly ["ai" | "people" | "rest", number])[] {
  return [
    ["ai", day.resolved_by_ai],
    ["people", day.escalated],
    ["rest", Math.max(0, day.sessions - day.resolved_by_ai - day.escalated)],
  ];
}

function drawLegend(): HTMLElement {
  const entry = (kind: string, text: string) => make("li", { attributes: { "data-kind": kind } }, text);
  return make(
    "ul",
    { class: "legend", attributes: { "aria-hidden": "true" } },
    entry("ai", "Solved by the AI"),
    entry("people", "Brought to people"),
    entry("rest", "Other"),
  );
}

function drawTable(days: readonly Day[]): HTMLElement {
  const head = make(
    "tr",
    {},
    ...["Day", "Sessions", "Solved by the AI", "Brought to people", "Rating"].map((name) =>
      make("th", { attributes: { scope: "col" } }, name),
    ),
  );
  const rows = days.map((day) =>
    make(
      "tr",
      {},
      make("th", { attributes: { scope: "row" } }, dayText(day.day)),
      ...[day.sessions, day.resolved_by_ai, day.escalated, day.csat ?? "–"].map((value) => make("td", {}, String(value))),
    ),
  );
  return make(
    "div",
    { class: "visually-hidden" },
    make("table", {}, make("caption", {}, "Sessions by day"), make("thead", {}, head), make("tbody", {}, ...rows)),
  );
}

/** Named amounts, the greatest first, as bars that share one scale. */
export function drawBars(rows: readonly (readonly [name: string, count: number])[]): HTMLElement {
  const top = Math.max(1, ...rows.map(([, count]) => count));
  return make(
    "ul",
    { class: "bars" },
    ...rows.map(([name, count]) => {
      const bar = draw("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", class: "bar-line", "aria-hidden": "true" });
      bar.append(
        draw("rect", { x: 0, y: 0, width: 100, height: 6, rx: 3, class: "bar-track" }),
        draw("rect", { x: 0, y: 0, width: (count / top) * 100, height: 6, rx: 3, class: "bar-people" }),
      );
      return make("li", {}, make("span", { class: "bar-name" }, name), make("span", { class: "bar-count" }, String(count)), bar);
    }),
  );
}

const formatDay = formatter({ day: "numeric", month: "short" });

function dayText(day: string): string {
  return formatDay(new Date(`${day.slice(0, 10)}T12:00:00`));
}
