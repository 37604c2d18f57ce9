import { describe, expect, test } from "vitest";
import type { SessionEvent } from "./events";
import {
  addEntry,
  findNextToSend,
  markAccepted,
  markRefused,
  markWaiting,
  moveToNewSession,
  type Outbox,
  parseOutbox,
  removeEntry,
  settle,
} from "./outbox";
import { reduce } from "./reduce";
import { emptyThread } from "./thread";

const failure = { code: "malformed", message: "No.", support: "Change it." };
const file = { attachment_id: "file_1", filename: "a.txt", content_type: "text/plain", size_bytes: 3 };
const entry = (clientMessageId: string, attachments = [] as (typeof file)[]) => ({
  clientMessageId,
  content: `Content of ${clientMessageId}`,
  attachments,
  createdAt: "2026-11-21T10:00:00Z",
});
const two: Outbox = addEntry(addEntry([], entry("a")), entry("b"));
const acknowledgementOf = (id: string): SessionEvent => ({
  type: "acknowledged",
  id: "1",
  timestamp: "2026-11-21T10:00:00Z",
  message_id: "msg_1",
  turn_id: "turn_1",
  client_message_id: id,
  content: "Hello",
  attachments: [],
});

describe("the outbox", () => {
  test("is sent in the order in which it was written", () => {
    expect(findNextToSend(two)?.clientMessageId).toBe("a");
    expect(findNextToSend(markAccepted(two, "a"))?.clientMessageId).toBe("b");
    expect(findNextToSend(markAccepted(markAccepted(two, "a"), "b"))).toBeUndefined();
  });

  test("holds a message once, however often it is added", () => {
    expect(addEntry(two, entry("a"))).toBe(two);
  });

  test("keeps what was accepted until the session's events show it", () => {
    const accepted = markAccepted(two, "a");
    expect(settle(accepted, emptyThread)).toBe(accepted);
    const thread = reduce(emptyThread, acknowledgementOf("a"));
    expect(settle(accepted, thread).map((known) => known.clientMessageId)).toEqual(["b"]);
  });

  test("drops what the events show although the answer to the request was lost", () => {
    expect(settle(two, reduce(emptyThread, acknowledgementOf("a"))).map((known) => known.clientMessageId)).toEqual(["b"]);
  });

  test("does not send again what was refused, until it is asked to, and then under the same id", () => {
    const refused = markRefused(two, "a", failure);
    expect(findNextToSend(refused)?.clientMessageId).toBe("b");
    expect(findNextToSend(markWaiting(refused, "a"))).toMatchObject({ clientMessageId: "a", failure: null });
    expect(removeEntry(refused, "a").map((known) => known.clientMessageId)).toEqual(["b"]);
  });

  test("is carried into a new session, except for files, which belong to the old one", () => {
    const outbox = markAccepted(addEntry(two, entry("c", [file])), "a");
    const moved = moveToNewSession(outbox, failure);
    expect(moved.map((known) => known.state)).toEqual(["waiting", "waiting", "refused"]);
    expect(moved[2]).toMatchObject({ attachments: [], failure });
  });

  test("survives a reload", () => {
    const outbox = markRefused(addEntry(two, entry("c", [file])), "b", failure);
    expect(parseOutbox(JSON.stringify(outbox))).toEqual(outbox);
  });

  test.each([
    ["nothing", null],
    ["no JSON", "{"],
    ["no list", '{"a":1}'],
    ["entries that are not whole", '[{"clientMessageId":"a"},null,3,{"clientMessageId":1}]'],
  ])("is empty when storage holds %s", (_, stored) => {
    expect(parseOutbox(stored)).toEqual([]);
  });
});
