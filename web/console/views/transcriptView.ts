// The conversation itself: rows that are kept while the value changes, the newest in sight as long as the reader is at the end.

import { arrange, make, makeDots } from "../../chat/dom";
import type { OpenConversation } from "../session";
import { type DeskItem, listItems, type TranscriptState } from "../state/transcript";
import { customerName } from "../texts";
import { type ItemView, makeItemView } from "./messageView";

const NEAR_END_PX = 90;
/** More rows than this are drawn when they are asked for: opening a long conversation must not be felt. */
const FIRST_ROWS = 60;

export class TranscriptView {
  readonly element: HTMLElement;
  private readonly log = make("div", {
    class: "transcript",
    attributes: { role: "log", "aria-label": "Conversation", "aria-live": "off" },
  });
  private readonly typing = make("p", { class: "typing", attributes: { hidden: "" } });
  private readonly earlier = make("button", { class: "act act-quiet earlier-rows", attributes: { type: "button", hidden: "" } });
  private readonly views = new Map<string, ItemView>();
  private drawn: TranscriptState | null = null;
  private sessionId = "";
  private rows = FIRST_ROWS;
  private isFollowing = true;

  constructor() {
    this.typing.append(makeDots(), make("span", { class: "typing-words" }));
    this.element = make(
      "div",
      { class: "transcript-scroll", attributes: { tabindex: "0", role: "region", "aria-label": "Messages" } },
      make("h2", { class: "visually-hidden" }, "What was said"),
      this.earlier,
      this.log,
      this.typing,
    );
    this.earlier.addEventListener("click", () => {
      this.rows += 200;
      if (this.drawn !== null) this.drawRows(this.drawn, "");
    });
    this.element.addEventListener(
      "scroll",
      () => {
        const { scrollHeight, clientHeight, scrollTop } = this.element;
        this.isFollowing = scrollHeight - clientHeight - scrollTop < NEAR_END_PX;
      },
      { passive: true },
    );
    new ResizeObserver(() => this.settle()).observe(this.element);
    new ResizeObserver(() => this.settle()).observe(this.log);
  }

  update(open: OpenConversation): void {
    if (open.sessionId !== this.sessionId) this.reset(open.sessionId);
    const name = open.detail === null ? "" : customerName(open.detail);
    this.typing.hidden = !open.isCustomerTyping;
    const words = this.typing.lastElementChild;
    if (words !== null && open.isCustomerTyping) words.textContent = `${name} is typing`;
    if (open.transcript !== null && open.transcript !== this.drawn) this.drawRows(open.transcript, name);
  }

  follow(): void {
    this.isFollowing = true;
    this.settle();
  }

  private reset(sessionId: string): void {
    this.sessionId = sessionId;
    this.drawn = null;
    this.rows = FIRST_ROWS;
    this.views.clear();
    this.log.replaceChildren();
    this.isFollowing = true;
  }

  private drawRows(state: TranscriptState, customer: string): void {
    this.drawn = state;
    const items = listItems(state);
    const shown = items.slice(-this.rows);
    this.earlier.hidden = shown.length === items.length;
    this.earlier.textContent = `Show ${Math.min(200, items.length - shown.length)} earlier messages`;
    arrange(
      this.log,
      shown.flatMap((item) => this.viewOf(item, state, customer)?.element ?? []),
    );
    this.settle();
  }

  private viewOf(item: DeskItem, state: TranscriptState, customer: string): ItemView | null {
    const key = `${item.kind}:${item.key}`;
    const known = this.views.get(key) ?? makeItemView(item, customer);
    if (known === null) return null;
    this.views.set(key, known);
    known.update(item, item.kind === "answer" && item.messageId !== null ? state.facts.get(item.messageId) : undefined);
    return known;
  }

  private settle(): void {
    if (this.isFollowing) this.element.scrollTop = this.element.scrollHeight;
  }
}
