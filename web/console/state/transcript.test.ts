import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../../protocol/events";
import type { ConversationDetail, MessageView, TranscriptPage } from "../api/types";
import { listItems, openTranscript, takeEvent, takeOlder } from "./transcript";

function message(id: string, minute: number, more: Partial<MessageView>): MessageView {
  return {
    message_id: id,
    event_id: String(minute),
    role: "customer",
    content: id,
    status: "complete",
    turn_id: null,
    client_message_id: null,
    created_at: `2031-05-09T14:${String(minute).padStart(2, "0")}:00Z`,
    sources: [],
    attachments: [],
    details: {},
    ...more,
  };
}

function detailOf(messages: MessageView[]): ConversationDetail {
  return {
    session_id: "sess_1",
    ticket_id: "ticket_1",
    state: "assigned",
    episode: 1,
    version: 1,
    reason: null,
    priority: "normal",
    subject: "",
    preview: "",
    preview_author: null,
    customer: { user_id: null, name: null, verified: false },
    assignee: null,
    skill: null,
    unread: 0,
    waiting_since: null,
    last_activity: "2031-05-09T14:30:00Z",
    snoozed_until: null,
    sla_due_at: null,
    resolve_due_at: null,
    tags: [],
    rating: null,
    brief: { wants: "", tried: [], sources: [], open_actions: [] },
    messages,
    notices: [],
    has_more: false,
    notes: [{ note_id: "note_1", author: "Ada", text: "Look at the log.", at: "2031-05-09T14:02:30Z" }],
    facts: [],
    earlier: [],
    events_after: "9",
  };
}

const opened = openTranscript(
  detailOf([
    message("asked", 1, {}),
    message("answered", 2, { role: "assistant", turn_id: "turn_1", details: { confidence: 0.8, tools_used: ["search_knowledge"] } }),
    message("helped", 3, { role: "operator", author_name: "Ada" }),
  ]),
);

describe("the transcript at the desk", () => {
  it("puts notes where they were made", () => {
    expect(listItems(opened).map((item) => item.kind)).toEqual(["customer", "answer", "note", "person"]);
  });

  it("is read back: what was before comes in its place, with what became of the conversation", () => {
    const page = {
      session_id: "sess_1",
      messages: [message("earliest", 1, {}), message("early", 3, {})],
      notices: [{ type: "handoff", id: "2", state: "claimed", text: "Ada has it.", timestamp: "2031-05-09T14:00:00Z" }],
      has_more: false,
    } as unknown as TranscriptPage;
    const late = openTranscript({ ...detailOf([message("late", 5, {})]), has_more: true });
    expect(late.olderThan).toBe("5");
    expect(listItems(late).map((item) => item.kind)).toEqual(["customer"]);
    const whole = takeOlder(late, page);
    expect(whole.olderThan).toBeNull();
    expect(listItems(whole).map((item) => item.key)).toEqual(["earliest", "handoff-2", "note_1", "early", "late"]);
  });

  it("keeps what the customer is not shown of an answer", () => {
    expect(opened.facts.get("answered")).toEqual({ confidence: 0.8, tools: ["search_knowledge"], feedback: null });
  });

  it("takes each event in once, and none that the transcript holds already", () => {
    const event: SessionEvent = {
      type: "message",
      id: "10",
      message_id: "later",
      author: "operator",
      author_name: "Ada",
      content: "Solved.",
      attachments: [],
      client_message_id: null,
      timestamp: "2031-05-09T14:05:00Z",
    };
    const once = takeEvent(opened, event);
    expect(listItems(once)).toHaveLength(5);
    expect(takeEvent(once, event)).toBe(once);
    expect(takeEvent(opened, { ...event, id: "8" })).toBe(opened);
  });
});
