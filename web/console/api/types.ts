// What the desk's routes answer. The names are the server's.

import type { components } from "../../protocol/schema";

type Schemas = components["schemas"];

export type DocumentView = Schemas["DocumentView"];
export type AddedView = Schemas["AddedView"];
export type SourceView = Schemas["SourceView"];
export type MessageView = Schemas["MessageView"];

export type Role = "operator" | "admin";
export type Presence = "online" | "away" | "offline";
export type Priority = "low" | "normal" | "high" | "urgent";
export type ConversationState = "ai" | "waiting" | "assigned" | "snoozed" | "resolved" | "ended";

export const VIEWS = ["mine", "unassigned", "all", "ai", "snoozed", "resolved"] as const;
export type View = (typeof VIEWS)[number];
export type Counts = Readonly<Record<View, number>>;

/** Who is signed in. */
export interface StaffMember {
  readonly staff_id: string;
  readonly email: string | null;
  readonly name: string;
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly presence: "online" | "away" | null;
  readonly totp_enabled: boolean;
  readonly password_is_temporary: boolean;
}

export interface SignedIn {
  readonly staff: StaffMember;
  readonly expires_at: string;
}

export interface Account {
  readonly staff_id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly skills: readonly string[];
  readonly capacity: number;
  readonly totp_enabled: boolean;
  readonly disabled: boolean;
  readonly last_sign_in_at: string | null;
}

export interface Colleague {
  readonly staff_id: string;
  readonly name: string;
  readonly presence: Presence;
  readonly open: number;
  readonly capacity: number | null;
  readonly skills: readonly string[];
}

export interface Conversation {
  readonly session_id: string;
  readonly ticket_id: string | null;
  readonly state: ConversationState;
  readonly episode: number;
  /** Of the episode; null where there was none. */
  readonly version: number | null;
  readonly reason: string | null;
  readonly priority: Priority;
  readonly subject: string;
  readonly preview: string;
  readonly preview_author: "customer" | "assistant" | "operator" | "system" | null;
  readonly customer: { readonly user_id: string | null; readonly name: string | null; readonly verified: boolean };
  readonly assignee: { readonly staff_id: string; readonly name: string } | null;
  readonly unread: number;
  readonly waiting_since: string | null;
  readonly last_activity: string;
  readonly snoozed_until: string | null;
  readonly sla_due_at: string | null;
  readonly tags: readonly string[];
  readonly rating: number | null;
}

export interface ConversationPage {
  readonly items: readonly Conversation[];
  readonly next_cursor: string | null;
  readonly counts: Counts;
}

export interface Note {
  readonly note_id: string;
  readonly author: string;
  readonly text: string;
  readonly at: string;
}

export interface Brief {
  readonly wants: string;
  readonly tried: readonly string[];
  readonly sources: readonly string[];
  readonly open_actions: readonly string[];
}

export interface EarlierConversation {
  readonly session_id: string;
  readonly subject: string;
  readonly ended_at: string | null;
  readonly rating: number | null;
}

export interface ConversationDetail extends Conversation {
  readonly brief: Brief;
  /** The newest, oldest first. */
  readonly messages: readonly TranscriptMessage[];
  readonly has_more: boolean;
  readonly notes: readonly Note[];
  readonly facts: readonly string[];
  readonly earlier: readonly EarlierConversation[];
  readonly events_after: string;
}

export interface Feedback {
  readonly value: "up" | "down";
  readonly comment?: string | null;
}

export type TranscriptMessage = MessageView & { readonly feedback?: Feedback | null };

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

export interface ApiKey {
  readonly key_id: string;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly string[];
  readonly created_by: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
}

export type NoticeKind = "new" | "assigned_to_you" | "customer_replied" | "sla";
