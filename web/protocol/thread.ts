// What a conversation looks like to its reader: a value, folded from the events of the session by `reduce`.

import { BEGINNING } from "./eventId";
import type { Attachment, Handoff, SessionStatus, Source, Stage } from "./events";

export interface CustomerMessage {
  readonly kind: "customer";
  readonly key: string;
  readonly messageId: string;
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly timestamp: string;
  /** The turn that answers it; null when a person will. */
  readonly turnId: string | null;
}

export type AnswerState = "running" | "complete" | "failed" | "cancelled";

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly support: string;
}

export interface Answer {
  readonly kind: "answer";
  readonly key: string;
  readonly turnId: string;
  readonly state: AnswerState;
  readonly attempt: number;
  /** Characters (code points) of the answer that have arrived in this attempt. */
  readonly offset: number;
  /** The last note of this attempt that was taken in; 0 before the first. */
  readonly note: number;
  readonly text: string;
  readonly stage: Stage | null;
  readonly tool: string | null;
  readonly sources: readonly Source[];
  readonly timestamp: string;
  readonly messageId: string | null;
  readonly failure: Failure | null;
  readonly cancelReason: string | null;
  /** False when the assistant says itself that it does not know; null when there was nothing to know, or it is not known yet. */
  readonly isAnswered: boolean | null;
}

export interface EscalationNotice {
  readonly kind: "escalation";
  readonly key: string;
  readonly ticketId: string;
  readonly timestamp: string;
}

/** Something that a person behind the desk said. */
export interface PersonReply {
  readonly kind: "person";
  readonly key: string;
  readonly messageId: string;
  readonly author: string;
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly timestamp: string;
}

/** What became of a conversation that people have, in words for the customer. */
export interface HandoffNotice {
  readonly kind: "handoff";
  readonly key: string;
  readonly state: Handoff["state"];
  readonly text: string;
  readonly timestamp: string;
}

export interface ModeNotice {
  readonly kind: "mode";
  readonly key: string;
  readonly status: SessionStatus;
  readonly timestamp: string;
}

export type ThreadItem = CustomerMessage | Answer | PersonReply | EscalationNotice | HandoffNotice | ModeNotice;

export interface Thread {
  /** The greatest event id taken in: where to go on from after a break. */
  readonly lastEventId: string;
  readonly status: SessionStatus;
  readonly items: readonly ThreadItem[];
}

export const emptyThread: Thread = { lastEventId: BEGINNING, status: "active", items: [] };

export function findAnswer(thread: Thread, turnId: string): Answer | undefined {
  return thread.items.findLast((item): item is Answer => item.kind === "answer" && item.turnId === turnId);
}

export function findRunningAnswer(thread: Thread): Answer | undefined {
  return thread.items.findLast((item): item is Answer => item.kind === "answer" && item.state === "running");
}

/** Turns that were accepted and have not begun, oldest first. */
export function listWaitingTurns(thread: Thread): readonly string[] {
  const begun = new Set<string>();
  const waiting = new Set<string>();
  for (const item of thread.items) {
    if (item.kind === "answer") begun.add(item.turnId);
    else if (item.kind === "customer" && item.turnId !== null) waiting.add(item.turnId);
  }
  return [...waiting].filter((turnId) => !begun.has(turnId));
}

export function isBusy(thread: Thread): boolean {
  return findRunningAnswer(thread) !== undefined || listWaitingTurns(thread).length > 0;
}

/** What the customer said that this turn answers, oldest first: several messages when they came in a burst. */
export function listQuestions(thread: Thread, turnId: string): readonly CustomerMessage[] {
  return thread.items.filter((item): item is CustomerMessage => item.kind === "customer" && item.turnId === turnId);
}
