// The one way a conversation changes: an event of the session is folded into the thread. Pure, and an event that was taken in
// before changes nothing, so a reader may be sent any part of the past again.

import { compareEventIds, parseEventId, storedNumber } from "./eventId";
import type { Cancelled, Complete, Escalation, Failed, SessionEvent, Sources, Started, Status, Text } from "./events";
import { type Answer, emptyThread, findAnswer, type Thread, type ThreadItem } from "./thread";

export function reduce(thread: Thread, event: SessionEvent): Thread {
  if (event.type === "resync") return emptyThread;
  if (isTransient(event)) {
    const next = reduceTransient(thread, event);
    return next === thread ? thread : { ...next, lastEventId: event.id };
  }
  if (storedNumber(event.id) <= storedNumber(thread.lastEventId)) return thread;
  return { ...reduceStored(thread, event), lastEventId: event.id };
}

/** Whether text is missing between what `thread` holds and `event`: the reader has to go back to `thread.lastEventId`. */
export function leavesGap(thread: Thread, event: SessionEvent): boolean {
  if (event.type !== "text" || !isTransient(event)) return false;
  const { attempt, offset } = placeOf(event.id);
  const answer = findAnswer(thread, event.turn_id);
  if (answer === undefined) return true;
  if (answer.state !== "running" || attempt < answer.attempt) return false;
  return attempt > answer.attempt || offset - countCharacters(event.delta) > answer.offset;
}

/** What passes while an answer runs is named by its place in the answer; everything else has a number of its own. */
function isTransient(event: SessionEvent): boolean {
  return parseEventId(event.id).length > 1;
}

interface Place {
  readonly attempt: number;
  readonly offset: number;
  readonly note: number;
}

function placeOf(id: string): Place {
  const [, attempt = 0, offset = 0, note = 0] = parseEventId(id);
  return { attempt, offset, note };
}

function reduceTransient(thread: Thread, event: SessionEvent): Thread {
  if (event.type === "started") {
    // The server begins the running text anew, from its first character: it does not know where in it this reader stands.
    return compareEventIds(event.id, thread.lastEventId) <= 0 ? thread : putAnswer(thread, startedAnswer(thread, event));
  }
  if (event.type === "escalation") return reduceEscalation(thread, event);
  if (event.type !== "text" && event.type !== "status" && event.type !== "sources") return thread;
  const answer = findAnswer(thread, event.turn_id);
  const place = placeOf(event.id);
  if (answer === undefined || answer.state !== "running" || answer.attempt !== place.attempt) return thread;
  if (event.type === "text") return reduceText(thread, answer, event, place.offset);
  if (place.note <= answer.note) return thread;
  return replace(thread, { ...answer, ...noted(event), note: place.note });
}

function reduceText(thread: Thread, answer: Answer, event: Text, offset: number): Thread {
  const start = offset - countCharacters(event.delta);
  if (offset <= answer.offset || start > answer.offset) return thread;
  const fresh = dropCharacters(event.delta, answer.offset - start);
  return replace(thread, { ...answer, text: answer.text + fresh, offset, stage: "writing", tool: null });
}

function noted(event: Status | Sources): Pick<Answer, "stage" | "tool"> | Pick<Answer, "sources"> {
  return event.type === "status" ? { stage: event.stage, tool: event.tool } : { sources: event.sources };
}

function reduceStored(thread: Thread, event: SessionEvent): Thread {
  switch (event.type) {
    case "acknowledged":
      return append(thread, {
        kind: "customer",
        key: event.client_message_id ?? event.message_id,
        messageId: event.message_id,
        content: event.content,
        attachments: event.attachments,
        timestamp: event.timestamp,
        turnId: event.turn_id,
      });
    case "started":
      return putAnswer(thread, startedAnswer(thread, event));
    case "status":
    case "sources":
      return updateAnswer(thread, event.turn_id, noted(event));
    case "text":
      return updateAnswer(thread, event.turn_id, { text: (findAnswer(thread, event.turn_id)?.text ?? "") + event.delta });
    case "escalation":
      return reduceEscalation(thread, event);
    case "message":
      return append(thread, {
        kind: "person",
        key: event.message_id,
        messageId: event.message_id,
        author: event.author_name,
        content: event.content,
        attachments: event.attachments,
        timestamp: event.timestamp,
      });
    case "handoff":
      return append(thread, {
        kind: "handoff",
        key: `handoff-${event.id}`,
        state: event.state,
        text: event.text,
        timestamp: event.timestamp,
      });
    case "complete":
    case "error":
    case "cancelled":
      return putAnswer(thread, endedAnswer(thread, event));
    case "mode":
      if (event.status === thread.status) return thread;
      return {
        ...append(thread, { kind: "mode", key: `mode-${event.id}`, status: event.status, timestamp: event.timestamp }),
        status: event.status,
      };
    default:
      return thread;
  }
}

function reduceEscalation(thread: Thread, event: Escalation): Thread {
  const notice = { kind: "escalation", key: event.ticket_id, ticketId: event.ticket_id, timestamp: event.timestamp } as const;
  const isKnown = thread.items.some((item) => item.kind === "escalation" && item.ticketId === event.ticket_id);
  if (isKnown && thread.status === "escalated") return thread;
  return { ...(isKnown ? thread : append(thread, notice)), status: "escalated" };
}

function newAnswer(turnId: string, timestamp: string): Answer {
  return {
    kind: "answer",
    key: turnId,
    turnId,
    state: "running",
    attempt: 0,
    offset: 0,
    note: 0,
    text: "",
    stage: null,
    tool: null,
    sources: [],
    timestamp,
    messageId: null,
    failure: null,
    cancelReason: null,
    isAnswered: null,
  };
}

function startedAnswer(thread: Thread, event: Started): Answer {
  const known = findAnswer(thread, event.turn_id);
  if (known !== undefined && known.state !== "running") return known;
  return { ...newAnswer(event.turn_id, event.timestamp), attempt: event.attempt };
}

function endedAnswer(thread: Thread, event: Complete | Failed | Cancelled): Answer {
  const known = findAnswer(thread, event.turn_id) ?? newAnswer(event.turn_id, event.timestamp);
  const ended = { ...known, stage: null, tool: null, timestamp: event.timestamp, messageId: event.message_id };
  switch (event.type) {
    case "complete":
      return { ...ended, state: "complete", text: event.message, sources: event.sources, isAnswered: answeredOf(event) };
    case "error":
      return {
        ...ended,
        state: "failed",
        text: event.partial,
        failure: { code: event.error, message: event.message, support: event.support },
      };
    case "cancelled":
      return { ...ended, state: "cancelled", text: event.partial, cancelReason: event.reason };
  }
}

function answeredOf(event: Complete): boolean | null {
  const answered = event.metadata["answered"];
  return typeof answered === "boolean" ? answered : null;
}

function append(thread: Thread, item: ThreadItem): Thread {
  return { ...thread, items: [...thread.items, item] };
}

function replace(thread: Thread, answer: Answer): Thread {
  return { ...thread, items: thread.items.map((item) => (item.kind === "answer" && item.turnId === answer.turnId ? answer : item)) };
}

function putAnswer(thread: Thread, answer: Answer): Thread {
  return findAnswer(thread, answer.turnId) === undefined ? append(thread, answer) : replace(thread, answer);
}

function updateAnswer(thread: Thread, turnId: string, change: Partial<Answer>): Thread {
  const answer = findAnswer(thread, turnId);
  return answer === undefined || answer.state !== "running" ? thread : replace(thread, { ...answer, ...change });
}

/** Characters as the server counts them: code points. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function dropCharacters(text: string, count: number): string {
  return count <= 0 ? text : [...text].slice(count).join("");
}
