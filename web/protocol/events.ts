// The events of a session, by the names the server gives them in its schema, and the check at the door.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Acknowledged = Schemas["Acknowledged"];
export type Started = Schemas["Started"];
export type Status = Schemas["Status"];
export type Text = Schemas["Text"];
export type Sources = Schemas["Sources"];
export type Escalation = Schemas["Escalation"];
export type PersonMessage = Schemas["PersonMessage"];
export type Handoff = Schemas["Handoff"];
export type Complete = Schemas["Complete"];
export type Failed = Schemas["Failed"];
export type Cancelled = Schemas["Cancelled"];
export type ModeChanged = Schemas["ModeChanged"];
export type Resync = Schemas["Resync"];
export type SessionEvent = Schemas["SessionEvent"];

export type Source = Schemas["Source"];
export type Attachment = Schemas["AttachmentSummary"];
export type Stage = Status["stage"];
export type SessionStatus = ModeChanged["status"];

const EVENT_ID = /^\d+(\.\d+){0,3}$/;

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether `value` is an event of a session. Its type may be one that this page does not know: a newer server may send more. */
export function isSessionEvent(value: unknown): value is SessionEvent {
  return isObject(value) && typeof value["type"] === "string" && typeof value["id"] === "string" && EVENT_ID.test(value["id"]);
}
