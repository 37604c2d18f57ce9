// One conversation as the desk reads it: the transcript as it was fetched, and the session's events folded into it. Pure.

import { type Attachment, isObject, type SessionEvent } from "../../protocol/events";
import { reduce } from "../../protocol/reduce";
import type { Answer, Thread, ThreadItem } from "../../protocol/thread";
import type { ConversationDetail, MessageView, Note } from "../api/types";

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
  readonly notes: readonly Note[];
  readonly facts: ReadonlyMap<string, AnswerFacts>;
}

export function openTranscript(detail: ConversationDetail): TranscriptState {
  const facts = new Map(
    detail.messages.filter((message) => message.role === "assistant").map((message) => [message.message_id, factsOf(message)]),
  );
  const items = detail.messages.flatMap(readItem);
  const status = detail.state === "ended" ? "ended" : detail.state === "ai" || detail.state === "resolved" ? "active" : "escalated";
  return { thread: { lastEventId: detail.events_after, status, items }, notes: detail.notes, facts };
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
  const notes = [...state.notes].sort((one, other) => one.at.localeCompare(other.at));
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
