// The conversation itself: rows that are kept while the value changes, the newest in sight as long as the reader is at the end, and older
// ones above as far as somebody scrolls up.

import { arrange, make, makeDots } from "../../chat/dom";
import type { OpenConversation } from "../session";
import { type AnswerFacts, type DeskItem, listItems, type TranscriptState } from "../state/transcript";
import { customerName } from "../texts";
import { type ItemView, makeItemView } from "./messageView";

const NEAR_PX = 90;
/** Nearer to the top than this, more is drawn, so that reading on is not felt. */
const NEAR_TOP_PX = 1_200;
/** What fills the region, in the frame after the head was drawn; those above come frame by frame, so that opening is not felt. */
const FIRST_ROWS = 6;
/** In one frame. */
const MORE_ROWS = 4;

interface Row {
  readonly view: ItemView;
  item: DeskItem | null;
  facts: AnswerFacts | undefined;
}

export class TranscriptView {
  readonly element: HTMLElement;
  private readonly log = make("div", {
    class: "transcript",
    attributes: { role: "log", "aria-label": "Conversation", "aria-live": "off" },
  });
  private readonly typing = make("p", { class: "typing", attributes: { hidden: "" } });
  private readonly earlier = make(
    "button",
    { class: "act act-quiet earlier-rows", attributes: { type: "button", hidden: "" }, onClick: () => this.showMore() },
    "Show earlier messages",
  );
  private readonly rows = new Map<string, Row>();
  private drawn: TranscriptState | null = null;
  private items: readonly DeskItem[] = [];
  private customer = "";
  private sessionId = "";
  /** The first row that is drawn. */
  private firstKey: string | null = null;
  private isFollowing = true;
  private isPlanned = false;

  /** `onTop`: all that was fetched is drawn, and more is wanted. */
  constructor(
    private readonly onTop: () => void,
    private readonly prefix: string,
  ) {
    this.typing.append(makeDots(), make("span", { class: "typing-words" }));
    this.element = make(
      "div",
      { class: "transcript-scroll", attributes: { tabindex: "0", role: "region", "aria-label": "Messages" } },
      make("h2", { class: "visually-hidden" }, "What was said"),
      this.earlier,
      this.log,
      this.typing,
    );
    this.element.addEventListener("scroll", () => this.look(), { passive: true });
    new ResizeObserver(() => this.fill()).observe(this.element);
    new ResizeObserver(() => this.settle()).observe(this.log);
  }

  update(open: OpenConversation): void {
    const isOther = open.sessionId !== this.sessionId;
    if (isOther) this.reset(open.sessionId);
    this.customer = open.detail === null ? "" : customerName(open.detail);
    this.typing.hidden = !open.isCustomerTyping;
    const words = this.typing.lastElementChild;
    if (words !== null && open.isCustomerTyping) words.textContent = `${this.customer} is typing`;
    if (open.transcript === null || open.transcript === this.drawn) return;
    this.drawn = open.transcript;
    this.items = listItems(open.transcript);
    if (isOther) this.planMore();
    else this.draw();
  }

  follow(): void {
    this.isFollowing = true;
    this.settle();
  }

  private reset(sessionId: string): void {
    this.sessionId = sessionId;
    this.drawn = null;
    this.items = [];
    this.firstKey = null;
    this.earlier.hidden = true;
    this.rows.clear();
    this.log.replaceChildren();
    this.isFollowing = true;
  }

  private look(): void {
    const { scrollHeight, clientHeight, scrollTop } = this.element;
    this.isFollowing = scrollHeight - clientHeight - scrollTop < NEAR_PX;
    this.planMore();
  }

  private fill(): void {
    this.settle();
    this.planMore();
  }

  private planMore(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      const { clientHeight, scrollTop } = this.element;
      // Nobody sees it now: it is looked at again when it has a size.
      if (clientHeight === 0 || scrollTop >= NEAR_TOP_PX) return;
      if (this.firstKey === null && this.items.length > 0) this.draw();
      else if (!this.isFollowing || this.findFirst() > 0) this.showMore();
    });
  }

  private showMore(): void {
    const first = this.findFirst();
    if (first > 0) {
      this.firstKey = keyOf(this.items[Math.max(0, first - MORE_ROWS)]);
      this.draw();
    } else if (this.drawn !== null && this.drawn.olderThan !== null) this.onTop();
  }

  private findFirst(): number {
    const known = this.firstKey === null ? -1 : this.items.findIndex((item) => keyOf(item) === this.firstKey);
    return known === -1 ? Math.max(0, this.items.length - FIRST_ROWS) : known;
  }

  /** What is in sight stays where it is, whatever comes above it. */
  private draw(): void {
    const { drawn, element } = this;
    if (drawn === null) return;
    // To know it takes a layout, which only those need who read further up.
    const belowTop = this.isFollowing ? null : element.scrollHeight - element.scrollTop;
    const before = [...this.log.children];
    const first = this.findFirst();
    this.firstKey = keyOf(this.items[first]);
    const views = this.items.slice(first).flatMap((item) => this.drawItem(item, drawn)?.element ?? []);
    arrange(this.log, views);
    // Not before it was drawn: whatever has no size yet would move what is in sight once it gets one.
    for (const row of before) row.classList.add("was-drawn");
    this.earlier.hidden = first === 0 && drawn.olderThan === null;
    if (belowTop !== null && before[0] !== this.log.firstElementChild) element.scrollTop = element.scrollHeight - belowTop;
    this.fill();
  }

  private drawItem(item: DeskItem, state: TranscriptState): ItemView | null {
    const key = keyOf(item) ?? "";
    const view = this.rows.get(key)?.view ?? makeItemView(item, this.customer, (id) => this.addressOf(id));
    if (view === null) return null;
    const row = this.rows.get(key) ?? { view, item: null, facts: undefined };
    this.rows.set(key, row);
    const facts = item.kind === "answer" && item.messageId !== null ? state.facts.get(item.messageId) : undefined;
    if (row.item !== item || row.facts !== facts) view.update(item, facts);
    row.item = item;
    row.facts = facts;
    return view;
  }

  private addressOf(attachmentId: string): string {
    return `${this.prefix}/sessions/${this.sessionId}/attachments/${attachmentId}`;
  }

  private settle(): void {
    if (this.isFollowing) this.element.scrollTop = this.element.scrollHeight;
  }
}

function keyOf(item: DeskItem | undefined): string | null {
  return item === undefined ? null : `${item.kind}:${item.key}`;
}
