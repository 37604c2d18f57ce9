// What was said to the customer: counted while the panel is closed, and told to the company's page, once each.

import { lastingArea } from "../client/area";
import type { Conversation } from "../client/conversation";
import { storedNumber } from "../protocol/eventId";
import type { ThreadItem } from "../protocol/thread";
import type { Frame, MessageNews } from "./contract";

const SEEN_KEY = "deskhand.seen";

export class NewsReader {
  private readonly told = new Set<string>();
  private session: string | null = null;
  private isRestored = false;
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
    const { session, thread, connection } = this.conversation.state;
    if ((session?.sessionId ?? null) !== this.session) this.turnTo(session?.sessionId ?? null);
    const said = thread.items.map(newsOf).filter((news) => news !== null);
    for (const { key, news } of said) {
      if (this.told.has(key)) continue;
      this.told.add(key);
      // What was said before this page was opened is no news to it.
      if (this.isRestored) this.frame.tell("message", news);
    }
    this.isRestored ||= connection === "online" || session === null;
    this.count(said.map(({ key }) => key));
  }

  private turnTo(sessionId: string | null): void {
    this.session = sessionId;
    this.told.clear();
    // The first message of a new conversation opens its session: nothing of it is from before.
    this.isRestored = sessionId === null || storedNumber(this.conversation.state.thread.lastEventId) === 0;
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
