// What a screen reader says while an answer grows: whole sentences, once each, instead of every fragment.

import { parseMarkdown } from "../../markdown/blocks";
import { plainBlocks } from "../../markdown/plain";
import type { Answer, HandoffNotice, PersonReply, Thread } from "../../protocol/thread";
import { make } from "../dom";
import { texts } from "../texts";

const LONGEST_MEMORY = 12;
/** What people said longer ago is there to be read. */
const RECENT_MS = 10_000;
const SENTENCE_END = /[.!?…:](?=\s)|\n/g;

export class Announcer {
  /** Characters of each answer that have been said. */
  private readonly said = new Map<string, number>();
  private readonly told = new Set<string>();

  constructor(private readonly region: HTMLElement) {}

  say(sentence: string): void {
    const words = sentence.trim();
    if (words === "") return;
    this.region.append(make("p", {}, words));
    while (this.region.children.length > LONGEST_MEMORY) this.region.firstElementChild?.remove();
  }

  /** Only answers that were seen running are read out: a restored conversation is there to be read, not to be recited. */
  update(thread: Thread): void {
    for (const item of thread.items) {
      if (item.kind === "person" || item.kind === "handoff") this.tell(item);
      if (item.kind !== "answer") continue;
      if (item.state === "running") this.readOn(item);
      else if (this.said.has(item.turnId)) this.finish(item);
    }
  }

  private tell(item: PersonReply | HandoffNotice): void {
    if (this.told.has(item.key)) return;
    this.told.add(item.key);
    if (Date.now() - Date.parse(item.timestamp) > RECENT_MS) return;
    this.say(item.kind === "person" ? `${texts.personSaid(item.author)}: ${item.content}` : item.text);
  }

  private readOn(answer: Answer): void {
    const from = this.said.get(answer.turnId);
    if (from === undefined) this.say(texts.announceThinking);
    const text = plainText(answer, { unfinished: true });
    const end = lastSentenceEnd(text);
    if (end > (from ?? 0)) this.say(text.slice(from ?? 0, end));
    this.said.set(answer.turnId, Math.max(end, from ?? 0));
  }

  private finish(answer: Answer): void {
    this.say(plainText(answer, { unfinished: false }).slice(this.said.get(answer.turnId)));
    this.said.delete(answer.turnId);
    if (answer.state === "complete") this.say(texts.announceComplete(answer.sources.length));
    if (answer.state === "cancelled") this.say(texts.stopped);
    if (answer.failure !== null) this.say(`${answer.failure.message} ${answer.failure.support}`);
  }
}

function plainText(answer: Answer, options: { unfinished: boolean }): string {
  return plainBlocks(parseMarkdown(answer.text, options).map(({ block }) => block));
}

function lastSentenceEnd(text: string): number {
  let end = 0;
  for (const match of text.matchAll(SENTENCE_END)) end = match.index + 1;
  return end;
}
