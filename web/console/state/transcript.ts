// One conversation as the desk reads it: the transcript as it was fetched, and the session's events folded into it. Pure.

import { storedNumber } from "../../protocol/eventId";
import { type Attachment, isObject, type SessionEvent } from "../../protocol/events";
import { reduce } from "../../protocol/reduce";
import type { Answer, Thread, ThreadItem } from "../../protocol/thread";
import type { ConversationDetail, MessageView, Note, TranscriptPage } from "../api/types";

/** What the desk knows of an answer that the customer is not shown. */
export interface AnswerFacts {
  readonly confidence: number | null;
  readonly tools: readonly string[];
  readonly feedback: "up" | "down" | null;
}

export interface NoteItem {
  readonly kind: "note";
  readonly key: string;
  readonly note: Note;
  readonly timestamp: string;
}

export type DeskItem = ThreadItem | NoteItem;

export interface TranscriptState {
  readonly thread: Thread;
  /** The event of the oldest message that was fetched, to ask for what is before it; null when nothing is. */
  readonly olderThan: string | null;
  readonly notes: readonly Note[];
  readonly facts: ReadonlyMap<string, AnswerFacts>;
}

export function openTranscript(detail: ConversationDetail): TranscriptState {
  const status = detail.state === "ended" ? "ended" : detail.state === "ai" || detail.state === "resolved" ? "active" : "escalated";
  const thread: Thread = { lastEventId: detail.events_after, status, items: readPage(detail) };
  return { thread, notes: detail.notes, facts: new Map(listFacts(detail)), olderThan: placeBefore(detail) };
}

/** With the page that stands right before what is known. */
export function takeOlder(state: TranscriptState, page: TranscriptPage): TranscriptState {
  const thread = { ...state.thread, items: [...readPage(page), ...state.thread.items] };
  return { ...state, thread, facts: new Map([...listFacts(page), ...state.facts]), olderThan: placeBefore(page) };
}

export function takeEvent(state: TranscriptState, event: SessionEvent): TranscriptState {
  const thread = reduce(state.thread, event);
  if (thread === state.thread) return state;
  if (event.type !== "complete") return { ...state, thread };
  const facts = new Map(state.facts).set(event.message_id, { confidence: event.confidence, tools: event.tools_used, feedback: null });
  return { ...state, thread, facts };
}

/** Everything in order of time; notes stand where they were made. */
export function listItems(state: TranscriptState): readonly DeskItem[] {
  const begin = state.olderThan === null ? 0 : Date.parse(state.thread.items[0]?.timestamp ?? "");
  // A note among messages that were not fetched comes with them.
  const notes = state.notes.filter((note) => Date.parse(note.at) >= begin).sort((one, other) => one.at.localeCompare(other.at));
  const items: DeskItem[] = [];
  for (const item of state.thread.items) {
    while (notes[0] !== undefined && Date.parse(notes[0].at) < Date.parse(item.timestamp)) items.push(noteItem(notes.shift() ?? notes[0]));
    items.push(item);
  }
  return [...items, ...notes.map(noteItem)];
}

function noteItem(note: Note): NoteItem {
  return { kind: "note", key: note.note_id, note, timestamp: note.at };
}

type Page = Pick<TranscriptPage, "messages" | "notices" | "has_more">;
type Notice = TranscriptPage["notices"][number];

function placeBefore(page: Page): string | null {
  return page.has_more ? (page.messages[0]?.event_id ?? null) : null;
}

function listFacts(page: Page): readonly (readonly [string, AnswerFacts])[] {
  return page.messages.filter((message) => message.role === "assistant").map((message) => [message.message_id, factsOf(message)]);
}

/** Messages and what became of the conversation between them, in order. */
function readPage(page: Page): readonly ThreadItem[] {
  const said = page.messages.flatMap((message) => readItem(message).map((item) => [storedNumber(message.event_id), item] as const));
  const became = page.notices.map((notice) => [storedNumber(notice.id), readNotice(notice)] as const);
  return [...said, ...became].sort(([one], [other]) => one - other).map(([, item]) => item);
}

/** Under the same keys as when it is heard live. */
function readNotice(notice: Notice): ThreadItem {
  const { timestamp } = notice;
  switch (notice.type) {
    case "escalation":
      return { kind: "escalation", key: notice.ticket_id, ticketId: notice.ticket_id, timestamp };
    case "handoff":
      return { kind: "handoff", key: `handoff-${notice.id}`, state: notice.state, text: notice.text, timestamp };
    case "mode":
      return { kind: "mode", key: `mode-${notice.id}`, status: notice.status, timestamp };
  }
}

function readItem(message: MessageView): readonly ThreadItem[] {
  const common = {
    messageId: message.message_id,
    content: message.content,
    attachments: message.attachments.filter(isAttachment),
    timestamp: message.created_at,
  };
  switch (message.role) {
    case "customer":
      return [{ kind: "customer", key: message.client_message_id ?? message.message_id, turnId: message.turn_id, ...common }];
    case "assistant":
      return [answerOf(message)];
    case "operator":
      return [{ kind: "person", key: message.message_id, author: message.author_name ?? "", ...common }];
    case "system":
      return [];
  }
}

function answerOf(message: MessageView): Answer {
  return {
    kind: "answer",
    key: message.turn_id ?? message.message_id,
    turnId: message.turn_id ?? message.message_id,
    state: message.status === "complete" ? "complete" : "cancelled",
    attempt: 0,
    offset: 0,
    note: 0,
    text: message.content,
    stage: null,
    tool: null,
    sources: message.sources,
    timestamp: message.created_at,
    messageId: message.message_id,
    failure: null,
    cancelReason: null,
    isAnswered: null,
  };
}

function factsOf(message: MessageView): AnswerFacts {
  const { confidence, tools_used: tools } = message.details;
  return {
    confidence: typeof confidence === "number" ? confidence : null,
    tools: Array.isArray(tools) ? tools.filter((tool) => typeof tool === "string") : [],
    feedback: message.feedback ?? null,
  };
}

function isAttachment(value: unknown): value is Attachment {
  return isObject(value) && typeof value["attachment_id"] === "string" && typeof value["filename"] === "string";
}
