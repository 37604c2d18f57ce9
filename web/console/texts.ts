// Every word of the console that is ours and said in more than one place, or depends on a value.

import { formatter } from "../chat/texts";
import type { Conversation, ConversationState, Priority, View } from "./api/types";
import type { SettingsPage } from "./route";

export const viewNames: Readonly<Record<View, string>> = {
  mine: "Mine",
  unassigned: "Unassigned",
  all: "All open",
  ai: "With the AI",
  snoozed: "Snoozed",
  resolved: "Resolved",
};

export const emptyViews: Readonly<Record<View, { readonly title: string; readonly text: string }>> = {
  mine: { title: "Nothing waits for you", text: "Conversations that you take, or that somebody gives you, are here." },
  unassigned: {
    title: "Nobody is waiting",
    text: "When a customer asks for a person, or the assistant cannot help, the conversation appears here at once.",
  },
  all: { title: "All is answered", text: "No conversation needs a person. Those that the assistant has are under “With the AI”." },
  ai: { title: "No conversation yet", text: "As soon as a customer writes, you can follow along here, and step in whenever you like." },
  snoozed: {
    title: "Nothing is snoozed",
    text: "Put a conversation off with Z. It comes back by itself at the time you choose, or when the customer writes.",
  },
  resolved: { title: "Nothing resolved yet", text: "Conversations that are done are kept here, with their ratings." },
};

export const settingsNames: Readonly<Record<SettingsPage, string>> = {
  profile: "Profile",
  security: "Password and codes",
  notifications: "Notifications",
  replies: "Canned replies",
  people: "People",
  keys: "API keys",
  audit: "Audit log",
};

const stateNames: Readonly<Record<ConversationState, string>> = {
  ai: "With the AI",
  waiting: "Waiting",
  assigned: "Assigned",
  snoozed: "Snoozed",
  resolved: "Resolved",
  ended: "Closed",
};

export const priorityNames: Readonly<Record<Priority, string>> = { low: "Low", normal: "Normal", high: "High", urgent: "Urgent" };

const REASONS: Readonly<Record<string, string>> = {
  asked_for_person: "Asked for a person",
  customer_request: "Asked for a person",
  requested: "Asked for a person",
  missing_knowledge: "The documents do not say",
  unsupported_request: "Cannot be done by the assistant",
  policy: "Needs a person by policy",
  tool_failure: "A tool failed",
  anger: "The customer is upset",
  sensitive: "A sensitive matter",
  sensitive_matter: "A sensitive matter",
  low_confidence: "The assistant was not sure",
  limit: "Asked often, without success",
  takeover: "Taken over by a colleague",
};

export function reasonText(reason: string): string {
  const words = reason.replaceAll("_", " ");
  return REASONS[reason] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function stateText(item: Conversation, me: string): string {
  if (item.state === "assigned" && item.assignee !== null) return item.assignee.staff_id === me ? "Yours" : item.assignee.name;
  return stateNames[item.state];
}

export function customerName(item: Conversation): string {
  return item.customer.name ?? item.customer.user_id ?? `Visitor ${item.session_id.slice(-4)}`;
}

/** How long ago, as short as can be: `now`, `4 m`, `3 h`, `2 d`. */
export function agoText(timestamp: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(timestamp)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} m`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${Math.floor(minutes / 1440)} d`;
}

/** 42 s, 12 min, 3.5 h; a dash where there is nothing to tell. */
export function durationText(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 360) / 10} h`;
  return `${Math.round(seconds / 8640) / 10} d`;
}

const formatMoment = formatter({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export function momentText(timestamp: string): string {
  return formatMoment(new Date(timestamp));
}

/** Where the name of a deed would not be understood by itself. */
const DEEDS: Readonly<Record<string, string>> = {
  "staff.sign_in": "Signed in",
  "staff.sign_out": "Signed out",
  "staff.recovery_code": "Used a recovery code",
  "account.create": "Made an account",
  "account.change": "Changed an account",
  "account.reset_password": "Made a new password",
  "account.change_password": "Changed the own password",
  "account.totp_on": "Switched codes on",
  "account.totp_off": "Switched codes off",
  "account.link_identity": "Signed in through the company's provider for the first time",
  "key.create": "Made an API key",
  "key.revoke": "Revoked an API key",
  "conversation.claim": "Took a conversation",
  "conversation.release": "Let a conversation go",
  "conversation.assign": "Assigned a conversation",
  "conversation.transfer": "Gave a conversation away",
  "conversation.return": "Gave a conversation back to the AI",
  "conversation.snooze": "Snoozed a conversation",
  "conversation.resolve": "Resolved a conversation",
  "conversation.reopen": "Reopened a conversation",
  "conversation.note": "Wrote a note",
  "conversation.message": "Replied to a customer",
  "conversation.priority": "Changed the priority",
  "conversation.tag": "Changed the tags",
  add_reply: "Wrote a canned reply",
  replace_reply: "Changed a canned reply",
  delete_reply: "Deleted a canned reply",
};

export function auditText(action: string): string {
  const [of, done] = action.split(".", 2);
  const words = `${done ?? ""} ${of ?? ""}`.replaceAll("_", " ").trim();
  return DEEDS[action] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** How long until, or since, somebody should have done it: `Answer within 5 min`, `Answer late by 20 s`. */
export function dueText(what: string, timestamp: string, now: number): string {
  const seconds = (Date.parse(timestamp) - now) / 1000;
  return seconds > 0 ? `${what} within ${durationText(seconds)}` : `${what} late by ${durationText(-seconds)}`;
}

const TOOLS: Readonly<Record<string, string>> = {
  search_knowledge: "searched the documents",
  read_attachment: "read the file",
  remember: "made a note",
  recall: "recalled earlier facts",
  escalate_to_human: "brought in a person",
};

export function toolText(tool: string): string {
  return TOOLS[tool] ?? tool.replaceAll("_", " ");
}
