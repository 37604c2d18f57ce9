// The rows of a conversation as the desk sees them: who said it, what it rests on, and notes that the customer never sees.

import { make } from "../../chat/dom";
import { MarkdownView } from "../../chat/elements/markdownView";
import { SourcesView } from "../../chat/elements/sourcesView";
import { makeWords } from "../../chat/elements/words";
import { stageText, timeText } from "../../chat/texts";
import type { Attachment } from "../../protocol/events";
import type { Answer, CustomerMessage, HandoffNotice, ModeNotice, PersonReply } from "../../protocol/thread";
import { makeIcon } from "../icons";
import type { AnswerFacts, DeskItem, NoteItem } from "../state/transcript";
import { toolText } from "../texts";
import { makeFace, makePill } from "./parts";

export interface ItemView {
  readonly element: HTMLElement;
  update(item: DeskItem, facts: AnswerFacts | undefined): void;
}

/** Where a file of this conversation is saved from. */
export type AddressOf = (attachmentId: string) => string;

export function makeItemView(item: DeskItem, customer: string, addressOf: AddressOf): ItemView | null {
  switch (item.kind) {
    case "customer":
      return fixed(drawCustomer(item, customer, addressOf));
    case "answer":
      return new AnswerView();
    case "person":
      return fixed(drawPerson(item, addressOf));
    case "note":
      return fixed(drawNote(item));
    case "handoff":
      return fixed(drawLine(item.text, item));
    case "mode":
      return item.status === "ended" ? fixed(drawLine("The conversation was closed.", item)) : null;
    case "escalation":
      return null;
  }
}

function fixed(element: HTMLElement): ItemView {
  return { element, update: () => undefined };
}

function drawHead(name: string, timestamp: string, ...more: readonly (HTMLElement | null)[]): HTMLElement {
  return make(
    "header",
    { class: "say-head" },
    make("strong", { attributes: { dir: "auto", title: name } }, name),
    ...more,
    make("time", { attributes: { datetime: timestamp } }, timeText(timestamp)),
  );
}

function drawCustomer(item: CustomerMessage, customer: string, addressOf: AddressOf): HTMLElement {
  return make(
    "article",
    { class: "say say-customer", attributes: { "aria-label": `${customer} said` } },
    makeFace(customer),
    make(
      "div",
      { class: "say-body" },
      drawHead(customer, item.timestamp),
      makeWords("words", item.content),
      drawFiles(item.attachments, addressOf),
    ),
  );
}

function drawPerson(item: PersonReply, addressOf: AddressOf): HTMLElement {
  const name = item.author === "" ? "Team" : item.author;
  return make(
    "article",
    { class: "say say-person", attributes: { "aria-label": `${name} said` } },
    makeFace(name),
    make(
      "div",
      { class: "say-body" },
      drawHead(name, item.timestamp),
      makeWords("words", item.content),
      drawFiles(item.attachments, addressOf),
    ),
  );
}

function drawFiles(attachments: readonly Attachment[], addressOf: AddressOf): HTMLElement | null {
  if (attachments.length === 0) return null;
  const files = attachments.map(({ attachment_id: id, filename }) =>
    make("li", {}, make("a", { class: "file", attributes: { href: addressOf(id), download: filename } }, makeIcon("file"), filename)),
  );
  return make("ul", { class: "files" }, ...files);
}

function drawNote({ note }: NoteItem): HTMLElement {
  return make(
    "article",
    { class: "say say-note", attributes: { "aria-label": `Internal note by ${note.author}` } },
    make("span", { class: "face note-face", attributes: { "aria-hidden": "true" } }, makeIcon("note")),
    make("div", { class: "say-body" }, drawHead(note.author, note.at, makePill("Internal note", "note")), makeWords("words", note.text)),
  );
}

function drawLine(text: string, item: HandoffNotice | ModeNotice): HTMLElement {
  return make(
    "p",
    { class: "line" },
    make("span", { attributes: { dir: "auto" } }, text),
    " ",
    make("time", { attributes: { datetime: item.timestamp } }, timeText(item.timestamp)),
  );
}

class AnswerView implements ItemView {
  private readonly sources = new SourcesView();
  private readonly prose = new MarkdownView({
    findTitle: (rank) => this.sources.findTitle(rank),
    open: (rank) => this.sources.open(rank),
  });
  private readonly time = make("time");
  private readonly facts = make("footer", { class: "answer-facts" });
  private readonly stage = make("p", { class: "answer-stage", attributes: { hidden: "" } });
  readonly element: HTMLElement;

  constructor() {
    this.element = make(
      "article",
      { class: "say say-ai", attributes: { "aria-label": "The assistant said" } },
      make("span", { class: "face ai-face", attributes: { "aria-hidden": "true" } }, makeIcon("spark")),
      make(
        "div",
        { class: "say-body" },
        make("header", { class: "say-head" }, make("strong", {}, "Assistant"), this.time),
        this.prose.element,
        this.stage,
        this.facts,
        this.sources.element,
      ),
    );
  }

  update(item: DeskItem, facts: AnswerFacts | undefined): void {
    if (item.kind !== "answer") return;
    const isRunning = item.state === "running";
    this.element.dataset["state"] = item.state;
    this.time.dateTime = item.timestamp;
    this.time.textContent = timeText(item.timestamp);
    if (this.sources.update(item.sources)) this.prose.redraw(item.text, { unfinished: isRunning });
    else this.prose.update(item.text, { unfinished: isRunning });
    this.stage.hidden = !isRunning && item.text !== "";
    this.stage.textContent = isRunning ? stageText(item.stage, item.tool) : endText(item);
    if (!isRunning) this.sources.reveal();
    this.facts.replaceChildren(...drawFacts(item, facts));
    this.facts.hidden = this.facts.childElementCount === 0;
  }
}

function endText(answer: Answer): string {
  if (answer.state === "failed") return "This answer failed.";
  return answer.state === "cancelled" ? "Stopped before an answer began." : "";
}

function drawFacts(answer: Answer, facts: AnswerFacts | undefined): readonly HTMLElement[] {
  const drawn: HTMLElement[] = [];
  if (answer.state === "cancelled" && answer.text !== "") drawn.push(makePill("Stopped", "waiting"));
  if (facts === undefined) return drawn;
  // Where nothing was looked up there is nothing to be sure of.
  if (facts.confidence !== null && answer.sources.length > 0) drawn.push(drawConfidence(facts.confidence));
  for (const tool of new Set(facts.tools)) drawn.push(makePill(toolText(tool), "tool"));
  if (facts.feedback === "up") drawn.push(makePill("Helpful", "good", "up"));
  if (facts.feedback === "down") drawn.push(makePill("Not helpful", "late", "thumbDown"));
  return drawn;
}

function drawConfidence(confidence: number): HTMLElement {
  const percent = Math.round(confidence * 100);
  const level = confidence >= 0.7 ? "high" : confidence >= 0.4 ? "middle" : "low";
  const meter = make("span", { class: "meter", attributes: { "aria-hidden": "true" } }, make("i"));
  const bar = meter.firstElementChild;
  if (bar instanceof HTMLElement) bar.style.width = `${percent}%`;
  return make("span", { class: "confidence", attributes: { "data-level": level } }, meter, `${percent} % sure`);
}
