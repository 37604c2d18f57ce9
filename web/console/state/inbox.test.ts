import { describe, expect, it } from "vitest";
import type { Conversation } from "../api/types";
import { emptyInbox, findNeighbour, type Inbox, reduceInbox } from "./inbox";

const ME = "staff_me";
const counts = { mine: 0, unassigned: 2, all: 2, ai: 0, snoozed: 0, resolved: 0 };

function conversation(name: string, minute: number, more: Partial<Conversation> = {}): Conversation {
  return {
    session_id: name,
    ticket_id: `ticket_${name}`,
    state: "waiting",
    episode: 1,
    version: 1,
    reason: null,
    priority: "normal",
    subject: name,
    preview: "",
    preview_author: "customer",
    customer: { user_id: null, name: null, verified: false },
    assignee: null,
    skill: null,
    unread: 0,
    waiting_since: null,
    last_activity: `2031-05-09T14:${String(minute).padStart(2, "0")}:00Z`,
    snoozed_until: null,
    sla_due_at: null,
    resolve_due_at: null,
    tags: [],
    rating: null,
    ...more,
  };
}

function inboxOf(items: Conversation[], more: Partial<Inbox> = {}): Inbox {
  const page = { items, next_cursor: null, counts };
  return { ...reduceInbox(emptyInbox, { type: "page", page, isFirst: true }), ...more };
}

const names = (inbox: Inbox) => inbox.items.map((item) => item.session_id);
const change = (inbox: Inbox, item: Conversation) => reduceInbox(inbox, { type: "changed", item, me: ME });

describe("the inbox", () => {
  it("puts what was heard last on top, once", () => {
    const inbox = inboxOf([conversation("b", 20), conversation("a", 10)]);
    expect(names(change(inbox, conversation("a", 30, { version: 2 })))).toEqual(["a", "b"]);
    expect(names(change(inbox, conversation("new", 15)))).toEqual(["b", "new", "a"]);
  });

  it("leaves a row where it is when nothing was said", () => {
    const inbox = inboxOf([conversation("b", 20), conversation("a", 10)]);
    const changed = change(inbox, conversation("a", 10, { version: 2, priority: "urgent" }));
    expect(names(changed)).toEqual(["b", "a"]);
    expect(changed.items[1]?.priority).toBe("urgent");
  });

  it("drops what no longer belongs under the view", () => {
    const inbox = inboxOf([conversation("a", 10)], { view: "unassigned" });
    const taken = conversation("a", 10, { version: 2, state: "assigned", assignee: { staff_id: "other", name: "Other" } });
    expect(names(change(inbox, taken))).toEqual([]);
    expect(names(change(inboxOf([], { view: "mine" }), { ...taken, assignee: { staff_id: ME, name: "Me" } }))).toEqual(["a"]);
  });

  it("does not go back to an older version that was heard late", () => {
    const inbox = inboxOf([conversation("a", 10, { version: 3, priority: "high" })]);
    expect(change(inbox, conversation("a", 10, { version: 2 })).items[0]?.priority).toBe("high");
    expect(change(inbox, conversation("a", 10, { version: 1, episode: 2 })).items[0]?.priority).toBe("normal");
  });

  it("lets only the server decide what a search finds", () => {
    const inbox = inboxOf([conversation("a", 10)], { text: "refund" });
    expect(names(change(inbox, conversation("b", 20)))).toEqual(["a"]);
  });

  it("does not show a row out of the pages that were fetched, nor the same row of two pages twice", () => {
    const inbox = inboxOf([conversation("b", 20)], { nextCursor: "more" });
    expect(names(change(inbox, conversation("old", 5)))).toEqual(["b"]);
    const page = { items: [conversation("b", 20), conversation("a", 10)], next_cursor: null, counts };
    expect(names(reduceInbox(inbox, { type: "page", page, isFirst: false }))).toEqual(["b", "a"]);
  });

  it("finds the next and the previous one, and stops at the ends", () => {
    const inbox = inboxOf([conversation("b", 20), conversation("a", 10)]);
    expect(findNeighbour(inbox, null, 1)).toBe("b");
    expect(findNeighbour(inbox, "b", 1)).toBe("a");
    expect(findNeighbour(inbox, "a", 1)).toBeNull();
    expect(findNeighbour(inbox, "b", -1)).toBeNull();
  });
});
