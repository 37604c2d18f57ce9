// The passages an answer rests on, as cards that open.

import { findLinkTarget } from "../../markdown/links";
import type { Source } from "../../protocol/events";
import { make } from "../dom";
import { makeIcon } from "../icons";
import { texts } from "../texts";
import { MarkdownView, makeOutsideLink } from "./markdownView";

const FLASH_MS = 1_600;

export class SourcesView {
  readonly element: HTMLElement;
  private readonly list = make("ol", { class: "sources" });
  private readonly heading = make("h3", { class: "sources-heading" });
  private readonly cards = new Map<number, HTMLDetailsElement>();
  private drawn: readonly Source[] = [];

  constructor() {
    this.element = make("section", { class: "sources-section", attributes: { hidden: "" } }, this.heading, this.list);
  }

  /** Show the list. Before that it is there for the citations to open: under growing text it would run away from the reader. */
  reveal(): void {
    this.element.hidden = this.drawn.length === 0;
  }

  /** Returns whether the sources are others than before. */
  update(sources: readonly Source[]): boolean {
    if (sources === this.drawn) return false;
    this.drawn = sources;
    this.cards.clear();
    this.heading.textContent = texts.sources(sources.length);
    this.list.replaceChildren(...sources.map((source) => make("li", {}, this.drawCard(source))));
    return true;
  }

  findTitle(rank: number): string | null {
    const source = this.drawn.find((candidate) => candidate.rank === rank);
    return source === undefined ? null : titleOf(source);
  }

  open(rank: number): void {
    const card = this.cards.get(rank);
    if (card === undefined) return;
    this.reveal();
    card.open = true;
    this.fill(card, rank);
    card.scrollIntoView({ block: "nearest" });
    card.querySelector("summary")?.focus({ preventScroll: true });
    card.classList.add("flash");
    setTimeout(() => card.classList.remove("flash"), FLASH_MS);
  }

  private drawCard(source: Source): HTMLElement {
    const target = findLinkTarget(wordOf(source, "url") ?? "");
    const details = [
      wordOf(source, "section"),
      wordOf(source, "page") === null ? null : texts.page(wordOf(source, "page") ?? ""),
      target?.shown ?? null,
    ];
    const summary = make(
      "summary",
      {},
      make("span", { class: "source-number", attributes: { "aria-hidden": "true" } }, String(source.rank)),
      make(
        "span",
        { class: "source-words" },
        make("span", { class: "source-title", attributes: { dir: "auto" } }, titleOf(source)),
        make("span", { class: "source-place", attributes: { dir: "auto" } }, details.filter((detail) => detail !== null).join(" · ")),
      ),
      makeIcon("chevron"),
    );
    const card = make("details", { class: "source" }, summary);
    card.addEventListener("toggle", () => card.open && this.fill(card, source.rank));
    this.cards.set(source.rank, card);
    return card;
  }

  /** What most cards hold is never looked at: it is drawn when one is opened. */
  private fill(card: HTMLDetailsElement, rank: number): void {
    const source = this.drawn.find((candidate) => candidate.rank === rank);
    if (source === undefined || card.childElementCount > 1) return;
    const target = findLinkTarget(wordOf(source, "url") ?? "");
    const link = target === null ? null : makeOutsideLink(target.href, makeIcon("out"), texts.openSource(target.shown));
    link?.append(make("span", { class: "visually-hidden" }, ` ${texts.newTab}`));
    card.append(make("div", { class: "source-body" }, drawExcerpt(source.content), link));
  }
}

/** As in the document, most of which are Markdown. Its numbers in brackets cite nothing here. */
function drawExcerpt(content: string): HTMLElement {
  const view = new MarkdownView({ findTitle: () => null, open: () => undefined });
  view.update(content, { unfinished: false });
  return make("blockquote", { class: "excerpt" }, view.element);
}

function titleOf(source: Source): string {
  return wordOf(source, "title") ?? wordOf(source, "source") ?? texts.citation(source.rank, "");
}

/** A field of the document's metadata as text; null when it is not there. */
function wordOf(source: Source, name: string): string | null {
  const value = source.metadata[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}
