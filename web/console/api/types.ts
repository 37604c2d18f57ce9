// What the desk's routes answer. The names are the server's.

import type { components } from "../../protocol/schema";

type Schemas = components["schemas"];

export type DocumentView = Schemas["DocumentView"];
export type AddedView = Schemas["AddedView"];
export type SourceView = Schemas["SourceView"];
export type MessageView = Schemas["MessageView"];
/** Who is signed in. */
export type StaffMember = Schemas["StaffView"];
export type SignedIn = Schemas["SignedInView"];
export type Account = Schemas["AccountView"];
export type ApiKey = Schemas["KeyView"];
/** A line of the inbox. */
export type Conversation = Schemas["ConversationView"];
export type ConversationPage = Schemas["ConversationList"];
export type ConversationDetail = Schemas["OpenConversation"];
export type ConversationState = Conversation["state"];
export type Priority = Conversation["priority"];
export type Counts = Schemas["CountsView"];
export type Note = Schemas["NoteView"];
export type Brief = Schemas["BriefView"];

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

export interface Draft {
  readonly text: string;
  readonly sources: readonly SourceView[];
  readonly confidence: number | null;
}

export interface CannedReply {
  readonly reply_id: string;
  readonly shortcut: string;
  readonly title: string;
  readonly text: string;
}

export interface Day {
  readonly day: string;
  readonly sessions: number;
  readonly resolved_by_ai: number;
  readonly escalated: number;
  readonly csat: number | null;
}

export interface Overview {
  readonly now: {
    readonly ai: number;
    readonly waiting: number;
    readonly assigned: number;
    readonly snoozed: number;
    readonly online: number;
  };
  readonly totals: {
    readonly sessions: number;
    readonly resolved_by_ai: number;
    readonly escalated: number;
    readonly first_response_p50_s: number | null;
    readonly first_response_p90_s: number | null;
    readonly resolve_p50_s: number | null;
    readonly csat_average: number | null;
    readonly csat_count: number;
    readonly thumbs_up: number;
    readonly thumbs_down: number;
    readonly tokens: number;
    readonly unanswered: number;
  };
  readonly by_day: readonly Day[];
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  readonly unanswered: readonly {
    readonly question: string;
    readonly count: number;
    readonly last_at: string;
    readonly session_id: string;
  }[];
}

export type NoticeKind = "new" | "assigned_to_you" | "customer_replied" | "sla";
