// What was said to the customer: counted while the panel is closed, and told to the company's page, once each.

import { lastingArea } from "../client/area";
import type { Conversation } from "../client/conversation";
import type { ThreadItem } from "../protocol/thread";
import type { Frame, MessageNews } from "./contract";

const SEEN_KEY = "deskhand.seen";
const TOLD_KEY = "deskhand.told";

export class NewsReader {
  private readonly told = new Set<string>();
  /** The last that was told on an earlier page of this browser. */
  private readonly toldBefore = lastingArea.getItem(TOLD_KEY);
  private isOpen = false;
  private unread = 0;

  constructor(
    private readonly frame: Frame,
    private readonly conversation: Conversation,
  ) {}

  /** The customer looks at the conversation, or no longer does. */
  look(isOpen: boolean): void {
    this.isOpen = isOpen;
    this.update();
  }

  update(): void {
    const said = this.conversation.state.thread.items.map(newsOf).filter((news) => news !== null);
    const old = said.findLastIndex(({ key }) => key === this.toldBefore);
    for (const [index, { key, news }] of said.entries()) {
      if (this.told.has(key)) continue;
      this.told.add(key);
      if (index <= old) continue;
      lastingArea.setItem(TOLD_KEY, key);
      this.frame.tell("message", news);
    }
    this.count(said.map(({ key }) => key));
  }

  private count(keys: readonly string[]): void {
    if (this.isOpen && document.visibilityState === "visible" && keys.length > 0) lastingArea.setItem(SEEN_KEY, keys.at(-1) ?? "");
    const seen = lastingArea.getItem(SEEN_KEY);
    const unread = this.isOpen ? 0 : keys.length - 1 - keys.lastIndexOf(seen ?? "");
    if (unread === this.unread) return;
    this.unread = unread;
    this.frame.tell("unread", { count: unread });
  }
}

function newsOf(item: ThreadItem): { key: string; news: MessageNews } | null {
  if (item.kind === "person") return { key: item.messageId, news: { author: "operator", text: item.content } };
  if (item.kind !== "answer" || item.state !== "complete" || item.messageId === null) return null;
  return { key: item.messageId, news: { author: "assistant", text: item.text } };
}
