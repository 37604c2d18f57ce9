// How it goes: what is open now, how much the AI solves, how fast people answer, what customers think, and what nobody could answer.

import { make } from "../../chat/dom";
import { failureText } from "../api/http";
import type { Overview } from "../api/types";
import { go } from "../route";
import type { DeskSession } from "../session";
import { durationText, momentText, reasonText } from "../texts";
import { drawBars, drawDays } from "./charts";
import { makeAction, makeEmpty } from "./parts";

const SPANS = [1, 7, 30, 90] as const;
const STALE_MS = 30_000;

export class OverviewPage {
  readonly element: HTMLElement;
  private readonly body = make("div", { class: "overview", attributes: { "aria-live": "polite" } });
  private readonly spans = make("div", { class: "segments", attributes: { role: "group", "aria-label": "Time span" } });
  private days: number = 7;
  private readAt = 0;
  private isReading = false;

  constructor(private readonly session: DeskSession) {
    this.element = make(
      "div",
      { class: "page" },
      make(
        "header",
        { class: "page-head" },
        make("div", {}, make("h1", {}, "Overview"), make("p", { class: "page-sub" }, "How the desk is doing")),
        this.spans,
      ),
      this.body,
    );
    this.drawSpans();
  }

  show(): void {
    if (Date.now() - this.readAt > STALE_MS && !this.isReading) void this.read();
  }

  private drawSpans(): void {
    this.spans.replaceChildren(
      ...SPANS.map((days) =>
        make(
          "button",
          {
            attributes: { type: "button", "aria-pressed": String(days === this.days) },
            onClick: () => {
              this.days = days;
              this.drawSpans();
              void this.read();
            },
          },
          days === 1 ? "Today" : `${days} days`,
        ),
      ),
    );
  }

  private async read(): Promise<void> {
    this.isReading = true;
    const { days } = this;
    const reply = await this.session.desk.overview(days);
    this.isReading = false;
    if (days !== this.days) return;
    this.readAt = Date.now();
    if (reply.ok) this.body.replaceChildren(...drawOverview(reply.value));
    else
      this.body.replaceChildren(
        makeEmpty(
          "warning",
          "The numbers cannot be read",
          failureText(reply.failure),
          makeAction({ label: "Try again", icon: "retry", onClick: () => void this.read() }),
        ),
      );
  }
}

function drawOverview(overview: Overview): readonly HTMLElement[] {
  const { now, totals } = overview;
  const share = (part: number, whole: number) => (whole === 0 ? "–" : `${Math.round((part / whole) * 100)} %`);
  const thumbs = totals.thumbs_up + totals.thumbs_down;
  return [
    make(
      "section",
      { class: "now", attributes: { "aria-label": "Now" } },
      drawNow("Waiting", now.waiting, "waiting"),
      drawNow("With people", now.assigned, "people"),
      drawNow("With the AI", now.ai, "ai"),
      drawNow("Snoozed", now.snoozed, "quiet"),
      drawNow("Colleagues online", now.online, "quiet"),
    ),
    make(
      "section",
      { class: "numbers", attributes: { "aria-label": "In this time" } },
      drawNumber(
        "Solved by the AI",
        share(totals.resolved_by_ai, totals.sessions),
        `${totals.resolved_by_ai} of ${totals.sessions} sessions`,
      ),
      drawNumber(
        "First reply",
        durationText(totals.first_response_p50_s),
        `nine in ten within ${durationText(totals.first_response_p90_s)}`,
      ),
      drawNumber("Time to resolve", durationText(totals.resolve_p50_s), "by people, half within"),
      drawNumber(
        "Rating",
        totals.csat_average === null ? "–" : totals.csat_average.toFixed(1),
        `${totals.csat_count} ${totals.csat_count === 1 ? "rating" : "ratings"} of 5`,
      ),
      drawNumber("Helpful answers", share(totals.thumbs_up, thumbs), `${totals.thumbs_up} up, ${totals.thumbs_down} down`),
      drawNumber("Tokens", new Intl.NumberFormat(undefined, { notation: "compact" }).format(totals.tokens), "used by the model"),
    ),
    make(
      "section",
      { class: "card card-wide" },
      make("h2", {}, "Sessions by day"),
      overview.by_day.length === 0 ? make("p", { class: "nothing" }, "No session in this time.") : drawDays(overview.by_day),
    ),
    make(
      "section",
      { class: "card" },
      make("h2", {}, "Why people were needed"),
      overview.reasons.length === 0
        ? make("p", { class: "nothing" }, "They were not.")
        : drawBars(overview.reasons.map(({ reason, count }) => [reasonText(reason), count])),
    ),
    drawUnanswered(overview),
  ];
}

function drawUnanswered(overview: Overview): HTMLElement {
  const rows = overview.unanswered.map((row) =>
    make(
      "li",
      {},
      make(
        "button",
        {
          class: "unanswered",
          attributes: { type: "button" },
          onClick: () => go({ section: "inbox", view: "all", sessionId: row.session_id }),
        },
        make("span", {}, row.question),
        make("span", { class: "unanswered-more" }, `${row.count} × · ${momentText(row.last_at)}`),
      ),
    ),
  );
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Nobody could answer"),
    rows.length === 0
      ? make("p", { class: "nothing" }, "Every question found something in the documents.")
      : make("ul", { class: "unanswered-list" }, ...rows),
    rows.length > 0 &&
      make(
        "p",
        { class: "card-foot" },
        "Add a document about these, and the assistant can. ",
        make("a", { attributes: { href: "#/knowledge" } }, "Open Knowledge"),
      ),
  );
}

function drawNow(name: string, value: number, kind: string): HTMLElement {
  return make("div", { class: "now-item", attributes: { "data-kind": kind } }, make("strong", {}, String(value)), make("span", {}, name));
}

function drawNumber(name: string, value: string, more: string): HTMLElement {
  return make(
    "div",
    { class: "number" },
    make("span", { class: "number-name" }, name),
    make("strong", {}, value),
    make("span", { class: "number-more" }, more),
  );
}
