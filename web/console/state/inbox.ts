// The list of conversations as a value: folded from pages that were fetched and events that were heard. Pure.

import type { Conversation, ConversationPage, Counts, View } from "../api/types";

export interface Inbox {
  readonly view: View;
  readonly text: string;
  readonly items: readonly Conversation[];
  readonly nextCursor: string | null;
  readonly counts: Counts | null;
  /** `ready` also while further pages are on their way. */
  readonly phase: "loading" | "ready" | "failed";
}

export type InboxAction =
  | { readonly type: "asked"; readonly view: View; readonly text: string }
  | { readonly type: "page"; readonly page: ConversationPage; readonly isFirst: boolean }
  | { readonly type: "failed" }
  | { readonly type: "changed"; readonly item: Conversation; readonly me: string }
  | { readonly type: "removed"; readonly sessionId: string }
  | { readonly type: "counted"; readonly counts: Counts };

export const emptyInbox: Inbox = { view: "all", text: "", items: [], nextCursor: null, counts: null, phase: "loading" };

export function reduceInbox(inbox: Inbox, action: InboxAction): Inbox {
  switch (action.type) {
    case "asked":
      return { ...inbox, view: action.view, text: action.text, items: [], nextCursor: null, phase: "loading" };
    case "page":
      return takePage(inbox, action.page, action.isFirst);
    case "failed":
      return { ...inbox, phase: inbox.items.length > 0 ? "ready" : "failed" };
    case "changed":
      return { ...inbox, items: placeChanged(inbox, action.item, action.me) };
    case "removed":
      return { ...inbox, items: inbox.items.filter((item) => item.session_id !== action.sessionId) };
    case "counted":
      return { ...inbox, counts: action.counts };
  }
}

/** Whether people have it: only then can it be assigned, labelled or resolved. */
export function isWithPeople(item: Conversation): boolean {
  return item.state === "waiting" || item.state === "assigned" || item.state === "snoozed";
}

/** Whether a conversation is to be seen under this view. */
export function belongs(item: Conversation, view: View, me: string): boolean {
  const isOpen = item.state === "waiting" || item.state === "assigned";
  switch (view) {
    case "mine":
      return item.assignee?.staff_id === me && isOpen;
    case "unassigned":
      return item.state === "waiting" && item.assignee === null;
    case "all":
      return isOpen;
    case "ai":
      return item.state === "ai";
    case "snoozed":
      return item.state === "snoozed";
    case "resolved":
      return item.state === "resolved" || item.state === "ended";
  }
}

/** The one after `selected` (`step` 1) or before it (-1); the first or last when nothing is selected; null when there is none. */
export function findNeighbour(inbox: Inbox, selected: string | null, step: 1 | -1): string | null {
  const index = inbox.items.findIndex((item) => item.session_id === selected);
  const next = index === -1 ? (step === 1 ? 0 : inbox.items.length - 1) : index + step;
  return inbox.items[next]?.session_id ?? null;
}

function takePage(inbox: Inbox, page: ConversationPage, isFirst: boolean): Inbox {
  const known = new Set(isFirst ? [] : inbox.items.map((item) => item.session_id));
  const items = isFirst ? page.items : [...inbox.items, ...page.items.filter((item) => !known.has(item.session_id))];
  return { ...inbox, items, nextCursor: page.next_cursor, counts: page.counts, phase: "ready" };
}

function placeChanged(inbox: Inbox, item: Conversation, me: string): readonly Conversation[] {
  const index = inbox.items.findIndex((known) => known.session_id === item.session_id);
  const known = inbox.items[index];
  if (known !== undefined && isOlder(item, known)) return inbox.items;
  const others = index === -1 ? inbox.items : inbox.items.filter((_, place) => place !== index);
  // Whoever searches under all looks everywhere: what was found stays, also when it is put aside or resolved.
  const isFound = inbox.text !== "" && inbox.view === "all";
  if (isFound && known !== undefined) return inbox.items.map((present, place) => (place === index ? item : present));
  if (!belongs(item, inbox.view, me)) return others;
  // Whether it holds the words that were searched for, only the server can tell.
  if (known === undefined && inbox.text !== "") return inbox.items;
  if (known !== undefined && known.last_activity === item.last_activity) {
    return inbox.items.map((present, place) => (place === index ? item : present));
  }
  const place = others.findIndex((other) => other.last_activity <= item.last_activity);
  // Further down than what was fetched: it comes with its page.
  if (place === -1 && inbox.nextCursor !== null) return others;
  return place === -1 ? [...others, item] : [...others.slice(0, place), item, ...others.slice(place)];
}

function isOlder(item: Conversation, known: Conversation): boolean {
  return item.episode < known.episode || (item.episode === known.episode && (item.version ?? 0) < (known.version ?? 0));
}
