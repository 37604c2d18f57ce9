// What the customer said and the server has not yet confirmed in the session's events. Pure values; an entry keeps its id for ever,
// so that sending it again can never say it twice.

import { type Attachment, isObject } from "./events";
import type { Failure, Thread } from "./thread";

/** `waiting`: to be sent, or sent without an answer so far. `accepted`: stored by the server. `refused`: will not be sent again unasked. */
export type OutboxState = "waiting" | "accepted" | "refused";

export interface OutboxEntry {
  readonly clientMessageId: string;
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly createdAt: string;
  readonly state: OutboxState;
  readonly failure: Failure | null;
}

export type Outbox = readonly OutboxEntry[];

export function addEntry(outbox: Outbox, entry: Pick<OutboxEntry, "clientMessageId" | "content" | "attachments" | "createdAt">): Outbox {
  if (outbox.some((known) => known.clientMessageId === entry.clientMessageId)) return outbox;
  return [...outbox, { ...entry, state: "waiting", failure: null }];
}

export function markAccepted(outbox: Outbox, clientMessageId: string): Outbox {
  return change(outbox, clientMessageId, { state: "accepted", failure: null });
}

export function markRefused(outbox: Outbox, clientMessageId: string, failure: Failure): Outbox {
  return change(outbox, clientMessageId, { state: "refused", failure });
}

export function markWaiting(outbox: Outbox, clientMessageId: string): Outbox {
  return change(outbox, clientMessageId, { state: "waiting", failure: null });
}

export function removeEntry(outbox: Outbox, clientMessageId: string): Outbox {
  return outbox.filter((entry) => entry.clientMessageId !== clientMessageId);
}

/** Drop what the thread already shows. Returns the same outbox when nothing changes. */
export function settle(outbox: Outbox, thread: Thread): Outbox {
  if (outbox.length === 0) return outbox;
  const shown = new Set(thread.items.map((item) => item.key));
  const rest = outbox.filter((entry) => !shown.has(entry.clientMessageId));
  return rest.length === outbox.length ? outbox : rest;
}

/** For another session: nothing was accepted there, and files belong to the session that they were given to. */
export function moveToNewSession(outbox: Outbox, lostFiles: Failure): Outbox {
  return outbox.map((entry): OutboxEntry => {
    if (entry.attachments.length === 0) return { ...entry, state: entry.state === "accepted" ? "waiting" : entry.state };
    return { ...entry, attachments: [], state: "refused", failure: lostFiles };
  });
}

export function findNextToSend(outbox: Outbox): OutboxEntry | undefined {
  return outbox.find((entry) => entry.state === "waiting");
}

/** Read what `JSON.stringify` made of an outbox. Entries that are not whole are left out: storage is the visitor's to edit. */
export function parseOutbox(text: string | null): Outbox {
  if (text === null) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  return Array.isArray(value) ? value.filter(isEntry) : [];
}

function isEntry(value: unknown): value is OutboxEntry {
  if (!isObject(value)) return false;
  return (
    typeof value["clientMessageId"] === "string" &&
    typeof value["content"] === "string" &&
    typeof value["createdAt"] === "string" &&
    Array.isArray(value["attachments"]) &&
    value["attachments"].every(isAttachment) &&
    (value["state"] === "waiting" || value["state"] === "accepted" || value["state"] === "refused") &&
    (value["failure"] === null || isFailure(value["failure"]))
  );
}

function isAttachment(value: unknown): value is Attachment {
  return isObject(value) && typeof value["attachment_id"] === "string" && typeof value["filename"] === "string";
}

function isFailure(value: unknown): value is Failure {
  return isObject(value) && ["code", "message", "support"].every((name) => typeof value[name] === "string");
}

function change(outbox: Outbox, clientMessageId: string, difference: Partial<OutboxEntry>): Outbox {
  return outbox.map((entry) => (entry.clientMessageId === clientMessageId ? { ...entry, ...difference } : entry));
}
