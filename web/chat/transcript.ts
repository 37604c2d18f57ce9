// The conversation as a text file of the customer's own. Made here, from what is shown: no address, nothing to be mailed.

import type { PublicConfig } from "../protocol/rest";
import type { PersonReply, Thread, ThreadItem } from "../protocol/thread";
import { saveAs } from "./save";
import { texts } from "./texts";

export function downloadTranscript(thread: Thread, config: PublicConfig): void {
  const file = new Blob(["\uFEFF", transcriptOf(thread, config)], { type: "text/plain;charset=utf-8" });
  saveAs(file, `${texts.fileName}-${new Date().toISOString().slice(0, 10)}.txt`);
}

export function transcriptOf(thread: Thread, config: PublicConfig): string {
  const parts = thread.items.map(writeItem).filter((part) => part !== null);
  return [`${config.company} – ${texts.transcript}`, ...parts].join("\n\n") + "\n";
}

function writeItem(item: ThreadItem): string | null {
  switch (item.kind) {
    case "customer":
      return entry(item.timestamp, texts.you, linesOf(item));
    case "answer":
      return item.text === "" ? null : entry(item.timestamp, texts.assistant, [item.text, ...item.sources.map(writeSource)]);
    case "person":
      return entry(item.timestamp, item.author, linesOf(item));
    case "handoff":
      return entry(item.timestamp, null, [item.text]);
    case "escalation":
      return entry(item.timestamp, null, [`${texts.escalation}. ${texts.ticket}: ${item.ticketId}`]);
    case "mode":
      return item.status === "ended" ? entry(item.timestamp, null, [texts.modeEnded]) : null;
  }
}

function linesOf({ content, attachments }: Pick<PersonReply, "content" | "attachments">): readonly string[] {
  return [content, ...attachments.map(({ filename }) => `[${filename}]`)];
}

function writeSource({ rank, metadata }: { readonly rank: number; readonly metadata: { readonly [name: string]: unknown } }): string {
  const words = [metadata["title"], metadata["url"]].filter((word) => typeof word === "string" && word !== "");
  return `  [${rank}] ${words.join(" – ")}`;
}

function entry(timestamp: string, author: string | null, lines: readonly string[]): string {
  const at = new Date(timestamp).toLocaleString(document.documentElement.lang || undefined);
  return [author === null ? `— ${at} —` : `${author} (${at})`, ...lines].join("\n");
}
