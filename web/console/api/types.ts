// What the desk's routes answer. The names are the server's.

import type { components } from "../../protocol/schema";

type Schemas = components["schemas"];

export type DocumentView = Schemas["DocumentView"];
export type AddedView = Schemas["AddedView"];
export type SourceView = Schemas["SourceView"];
export type MessageView = Schemas["MessageView"];
/** Who is signed in. */
export type StaffMember = Schemas["StaffView"];
export type SignInOptions = Schemas["SignInOptions"];
export type SignedIn = Schemas["SignedInView"];
export type Account = Schemas["AccountView"];
export type AuditEntry = Schemas["AuditView"];
export type AuditPage = Schemas["AuditPage"];
export type ApiKey = Schemas["KeyView"];
/** A line of the inbox. */
export type Conversation = Schemas["ConversationView"];
export type ConversationPage = Schemas["ConversationList"];
export type ConversationDetail = Schemas["OpenConversation"];
export type ConversationState = Conversation["state"];
export type Priority = Conversation["priority"];
export type Counts = Schemas["CountsView"];
/** A part of what was said, oldest first. */
export type TranscriptPage = Schemas["Transcript"];
export type Note = Schemas["NoteView"];
export type Brief = Schemas["BriefView"];

export type Draft = Schemas["DraftView"];
/** Written once, used by everybody: `shortcut` is what is typed behind a slash. */
export type CannedReply = Schemas["ReplyView"];
export type Overview = Schemas["OverviewView"];
export type Day = Overview["by_day"][number];

export type Presence = "online" | "away" | "offline";

export const VIEWS = ["mine", "unassigned", "all", "ai", "snoozed", "resolved"] as const;
export type View = (typeof VIEWS)[number];

export interface Colleague {
  readonly staff_id: string;
  readonly name: string;
  readonly presence: Presence;
  readonly open: number;
  readonly capacity: number | null;
  readonly skills: readonly string[];
}

export type NoticeKind = "new" | "assigned_to_you" | "customer_replied" | "sla";
