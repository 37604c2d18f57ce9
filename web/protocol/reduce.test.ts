import { describe, expect, test } from "vitest";
import { compareEventIds } from "./eventId";
import type { SessionEvent, Source } from "./events";
import { leavesGap, reduce } from "./reduce";
import { type Answer, emptyThread, findAnswer, isBusy, listQuestions, listWaitingTurns, type Thread } from "./thread";

const timestamp = "2026-11-21T10:00:00Z";
const source: Source = { content: "Open the sign-in page.", metadata: { title: "Account" }, relevance_score: 0.9, rank: 1 };

const acknowledged = (id: string, turn_id: string | null = "turn_a", content = "Hello"): SessionEvent => ({
  type: "acknowledged",
  id,
  timestamp,
  message_id: `msg_${id}`,
  turn_id,
  client_message_id: `client_${id}`,
  content,
  attachments: [],
});
const started = (id: string, attempt = 1, turn_id = "turn_a"): SessionEvent => ({ type: "started", id, timestamp, turn_id, attempt });
const text = (id: string, delta: string, turn_id = "turn_a"): SessionEvent => ({ type: "text", id, timestamp, turn_id, delta });
const status = (id: string, stage: "searching" | "using_tool" | "writing", tool: string | null = null): SessionEvent => ({
  type: "status",
  id,
  timestamp,
  turn_id: "turn_a",
  stage,
  tool,
});
const sources = (id: string): SessionEvent => ({ type: "sources", id, timestamp, turn_id: "turn_a", sources: [source] });
const complete = (id: string, message: string, turn_id = "turn_a"): SessionEvent => ({
  type: "complete",
  id,
  timestamp,
  turn_id,
  message_id: `msg_${id}`,
  session_id: "sess_0",
  message,
  sources: [source],
  requires_escalation: false,
  confidence: 0.9,
  processing_time: 0.1,
  tools_used: [],
  metadata: {},
});
const failed = (id: string, partial: string): SessionEvent => ({
  type: "error",
  id,
  timestamp,
  turn_id: "turn_a",
  error: "model_unavailable",
  message: "No answer.",
  support: "Try again.",
  message_id: null,
  partial,
});
const cancelled = (id: string, partial: string, turn_id = "turn_a"): SessionEvent => ({
  type: "cancelled",
  id,
  timestamp,
  turn_id,
  reason: "cancelled_by_customer",
  message_id: null,
  partial,
});
const escalation = (id: string): SessionEvent => ({
  type: "escalation",
  id,
  timestamp,
  ticket_id: "ticket_1",
  reason: "asked_for_person",
  priority: "high",
  turn_id: "turn_a",
});
const mode = (id: string, value: "active" | "escalated" | "ended"): SessionEvent => ({ type: "mode", id, timestamp, status: value });

const fold = (events: readonly SessionEvent[], from: Thread = emptyThread): Thread => events.reduce(reduce, from);
const answerOf = (thread: Thread, turnId = "turn_a"): Answer => {
  const answer = findAnswer(thread, turnId);
  if (answer === undefined) throw new Error("There is no answer.");
  return answer;
};

/** A whole turn as it is sent live: a queued message falls into it, and characters outside the basic plane are counted as one. */
const turn: readonly SessionEvent[] = [
  acknowledged("1"),
  started("2"),
  status("2.1.0.1", "searching", "search_knowledge"),
  sources("2.1.0.2"),
  text("2.1.6", "Hello "),
  status("2.1.6.3", "writing"),
  acknowledged("3", "turn_b", "And this?"),
  text("3.1.8", "🙂 "),
  text("3.1.13", "there"),
  complete("4", "Hello 🙂 there"),
  started("5", 1, "turn_b"),
  text("5.1.3", "Yes", "turn_b"),
  complete("6", "Yes", "turn_b"),
];

describe("ids", () => {
  test("are compared as numbers, and a beginning is before what it begins", () => {
    const ordered = ["", "2", "2.1.6", "2.1.6.3", "2.1.10", "2.2.0", "10", "10.1.1"];
    expect([...ordered].sort(compareEventIds)).toEqual(ordered);
  });
});

describe("replay", () => {
  test("every event that was taken in before changes nothing", () => {
    let thread = emptyThread;
    turn.forEach((event, index) => {
      thread = reduce(thread, event);
      for (const past of turn.slice(0, index + 1)) expect(reduce(thread, past), `${past.id} after ${event.id}`).toBe(thread);
    });
  });

  test("going back to any place and hearing everything again gives the same thread", () => {
    const whole = fold(turn);
    for (let cut = 0; cut <= turn.length; cut += 1) {
      for (let back = 0; back <= cut; back += 1) {
        expect(fold(turn.slice(back), fold(turn.slice(0, cut))), `cut ${cut}, back to ${back}`).toEqual(whole);
      }
    }
  });

  test("text that is cut in other places after a reconnect is joined without a gap or a repeat", () => {
    const written = "Hello 🙂 there";
    const characters = [...written];
    for (let cut = 1; cut < characters.length; cut += 1) {
      for (let from = 0; from <= cut; from += 1) {
        const before = fold([acknowledged("1"), started("2"), text(`2.1.${cut}`, characters.slice(0, cut).join(""))]);
        const after = reduce(before, text(`2.1.${characters.length}`, characters.slice(from).join("")));
        expect(answerOf(after).text).toBe(written);
      }
    }
  });

  test("the last id is the greatest that was taken in", () => {
    let thread = emptyThread;
    for (const event of turn) {
      thread = reduce(thread, event);
      expect(thread.lastEventId).toBe(event.id);
    }
  });
});

describe("an answer", () => {
  test("grows with its text and shows its stage", () => {
    const searching = fold(turn.slice(0, 3));
    expect(answerOf(searching)).toMatchObject({ state: "running", stage: "searching", tool: "search_knowledge", text: "" });
    expect(answerOf(fold(turn.slice(0, 5)))).toMatchObject({ stage: "writing", tool: null, text: "Hello ", sources: [source] });
  });

  test("is what the terminal event says, whatever was streamed", () => {
    const thread = fold([acknowledged("1"), started("2"), text("2.1.4", "Drft"), complete("3", "The answer.")]);
    expect(answerOf(thread)).toMatchObject({ state: "complete", text: "The answer.", sources: [source], stage: null });
    expect(isBusy(thread)).toBe(false);
  });

  test("says whether the assistant knew", () => {
    const whole = complete("3", "I don't know.") as Extract<SessionEvent, { type: "complete" }>;
    const ended = (metadata: Record<string, unknown>) => answerOf(fold([acknowledged("1"), started("2"), { ...whole, metadata }]));
    expect(ended({ answered: false }).isAnswered).toBe(false);
    expect(ended({ answered: true }).isAnswered).toBe(true);
    expect(ended({ answered: null }).isAnswered).toBe(null);
    expect(ended({}).isAnswered).toBe(null);
  });

  test("is kept and stated as failed with what was said so far", () => {
    const thread = fold([acknowledged("1"), started("2"), text("2.1.4", "Half"), failed("3", "Half")]);
    expect(answerOf(thread)).toMatchObject({
      state: "failed",
      text: "Half",
      failure: { code: "model_unavailable", support: "Try again." },
    });
  });

  test("is kept as incomplete when it was stopped", () => {
    expect(answerOf(fold([acknowledged("1"), started("2"), cancelled("3", "Half")]))).toMatchObject({ state: "cancelled", text: "Half" });
  });

  test("that was cancelled before it began is shown where it would have been", () => {
    const thread = fold([acknowledged("1"), cancelled("2", "")]);
    expect(thread.items.map((item) => item.kind)).toEqual(["customer", "answer"]);
    expect(isBusy(thread)).toBe(false);
  });

  test("ends once: nothing changes it afterwards", () => {
    const ended = fold([acknowledged("1"), started("2"), text("2.1.4", "Half"), complete("3", "Whole")]);
    expect(reduce(ended, text("2.1.9", " more"))).toBe(ended);
    expect(answerOf(fold([started("4", 2)], ended))).toMatchObject({ state: "complete", text: "Whole" });
  });
});

describe("attempts", () => {
  const first = fold([acknowledged("1"), started("2"), text("2.1.5", "First")]);

  test("a new attempt begins with no text", () => {
    const second = reduce(first, started("3", 2));
    expect(answerOf(second)).toMatchObject({ attempt: 2, text: "", offset: 0 });
    expect(answerOf(reduce(second, text("3.2.6", "Second")))).toMatchObject({ text: "Second" });
  });

  test("text of an attempt that was overtaken is dropped", () => {
    const second = fold([started("3", 2), text("3.2.6", "Second")], first);
    expect(reduce(second, text("2.1.9", " try"))).toBe(second);
    expect(reduce(second, text("3.1.9", " try"))).toBe(second);
  });

  test("text of an attempt whose beginning was missed is a gap", () => {
    expect(leavesGap(first, text("3.2.6", "Second"))).toBe(true);
    expect(reduce(first, text("3.2.6", "Second"))).toBe(first);
  });

  test("the running text may begin anew in the same attempt, once", () => {
    const waiting = fold([acknowledged("3", "turn_b")], first);
    const anew = reduce(waiting, started("3.1.0.0"));
    expect(answerOf(anew)).toMatchObject({ text: "", attempt: 1 });
    const grown = reduce(anew, text("3.1.7", "First, "));
    expect(answerOf(grown).text).toBe("First, ");
    expect(reduce(grown, started("3.1.0.0"))).toBe(grown);
  });
});

describe("gaps", () => {
  const thread = fold([acknowledged("1"), started("2"), text("2.1.5", "First")]);

  test("text that does not join on is not taken and is told as a gap", () => {
    expect(leavesGap(thread, text("2.1.9", "two"))).toBe(true);
    expect(reduce(thread, text("2.1.9", "two"))).toBe(thread);
  });

  test("text of a turn that is not known is a gap", () => {
    expect(leavesGap(emptyThread, text("2.1.5", "First"))).toBe(true);
    expect(reduce(emptyThread, text("2.1.5", "First"))).toBe(emptyThread);
  });

  test("text that joins on, was seen, or comes too late is none", () => {
    expect(leavesGap(thread, text("2.1.9", "stly"))).toBe(false);
    expect(leavesGap(thread, text("2.1.3", "Fir"))).toBe(false);
    expect(leavesGap(reduce(thread, complete("3", "First")), text("2.1.12", "late"))).toBe(false);
  });
});

describe("a conversation", () => {
  test("shows messages and answers in the order in which they came", () => {
    const kinds = fold(turn).items.map((item) => [item.kind, item.kind === "customer" ? item.content : "text" in item ? item.text : ""]);
    expect(kinds).toEqual([
      ["customer", "Hello"],
      ["answer", "Hello 🙂 there"],
      ["customer", "And this?"],
      ["answer", "Yes"],
    ]);
  });

  test("knows which turns wait, and what a turn answers when messages came in a burst", () => {
    const thread = fold([acknowledged("1"), acknowledged("2"), acknowledged("3", "turn_b"), started("4")]);
    expect(listWaitingTurns(thread)).toEqual(["turn_b"]);
    expect(listQuestions(thread, "turn_a").map((question) => question.messageId)).toEqual(["msg_1", "msg_2"]);
  });

  test("takes the client's id as the message's key, so that what was sent becomes what is stored", () => {
    expect(fold([acknowledged("1")]).items[0]?.key).toBe("client_1");
  });

  test("shows a hand-over once and stays escalated", () => {
    const thread = fold([acknowledged("1"), started("2"), escalation("3"), complete("4", "Handed over."), mode("5", "escalated")]);
    expect(thread.status).toBe("escalated");
    expect(thread.items.filter((item) => item.kind === "escalation")).toHaveLength(1);
    const later = fold([acknowledged("6", null, "More")], thread);
    expect(isBusy(later)).toBe(false);
  });

  test("tells when the assistant answers again and when it was closed", () => {
    const thread = fold([mode("1", "escalated"), mode("2", "active"), mode("3", "ended")]);
    expect(thread.items.map((item) => item.kind === "mode" && item.status)).toEqual(["escalated", "active", "ended"]);
    expect(thread.status).toBe("ended");
  });

  test("begins anew when the server does not know the reader's position", () => {
    const resync: SessionEvent = { type: "resync", id: "9", timestamp, reason: "unknown_position" };
    const thread = reduce(fold(turn), resync);
    expect(thread).toBe(emptyThread);
    expect(reduce(thread, resync)).toBe(thread);
  });

  test("goes on over an event of a kind that is not known yet", () => {
    const unknown = { type: "survey", id: "7", timestamp } as unknown as SessionEvent;
    const before = fold(turn);
    expect(reduce(before, unknown)).toEqual({ ...before, lastEventId: "7" });
  });
});
