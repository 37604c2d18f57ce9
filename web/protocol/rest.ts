// What the page asks over plain HTTP, and the checks of what comes back.

import { type Attachment, isObject, type JsonObject } from "./events";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type PublicConfig = Schemas["PublicConfig"];
export type SendMessage = Schemas["SendMessage"];
export type CreateSession = Schemas["CreateSession"];
export type IdentifyCustomer = Schemas["IdentifyCustomer"];
export type ClientFrame = Schemas["ClientFrame"];

/** A conversation that this browser takes part in. The token is the visitor's, of this one session, and no other key is ever held. */
export interface SessionRecord {
  readonly sessionId: string;
  readonly token: string;
}

export interface Uploaded {
  readonly attachment: Attachment;
  /** Why the file cannot be used, in the server's words; null when it can. */
  readonly error: string | null;
}

export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly support: string;
  readonly retryAfterSeconds: number | null;
}

/** `unreachable`: nothing is known of what the server did with the request. */
export type RequestFailure = { readonly kind: "unreachable" } | Refusal;

export type Reply<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: RequestFailure };

/** Whether the same request may succeed later, without the customer's help. */
export function isWorthRetrying(failure: RequestFailure): boolean {
  return (
    failure.kind === "unreachable" || failure.status === 408 || failure.status === 425 || failure.status === 429 || failure.status >= 500
  );
}

/** Whether the session is no longer this browser's: ended for ever, deleted, or its token withdrawn. */
export function isSessionGone(failure: RequestFailure): boolean {
  return failure.kind === "refused" && (failure.status === 401 || failure.code === "session_not_found");
}

export function readSession(value: unknown): SessionRecord | null {
  if (!has<Schemas["NewSession"]>(value, { session_id: isText, token: isText })) return null;
  return { sessionId: value.session_id, token: value.token };
}

export function readStoredSession(value: unknown): SessionRecord | null {
  return has<SessionRecord>(value, { sessionId: isText, token: isText }) ? value : null;
}

export function readConfig(value: unknown): PublicConfig | null {
  const checks = { name: isText, company: isText, suggestions: isTextList, message_max_characters: isNumber, upload: isUploadRules };
  return has<PublicConfig>(value, checks) ? value : null;
}

function isUploadRules(value: unknown): boolean {
  return has<Schemas["UploadRules"]>(value, { accept: isTextList, max_bytes: isNumber, max_files: isNumber });
}

export function readUploaded(value: unknown): Uploaded | null {
  const checks = { attachment_id: isText, filename: isText, content_type: isText, size_mb: isNumber };
  if (!has<Schemas["UploadView"]>(value, checks)) return null;
  const { attachment_id, filename, content_type } = value;
  return { attachment: { attachment_id, filename, content_type, size_bytes: Math.round(value.size_mb * 1_048_576) }, error: value.error };
}

export function readRefusal(status: number, value: unknown, retryAfter: string | null): Refusal {
  const body = isObject(value) ? value : {};
  const word = (name: string, otherwise: string) => (typeof body[name] === "string" ? body[name] : otherwise);
  const seconds = Number.parseFloat(retryAfter ?? "");
  return {
    kind: "refused",
    status,
    code: word("error", `http_${status}`),
    message: word("message", "The server could not do this."),
    support: word("support", "Please try again in a moment."),
    retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : null,
  };
}

/** Whether the fields of `checks` are what they should be. The others are the server's word, by its schema. */
function has<Expected>(value: unknown, checks: { readonly [Name in keyof Expected]?: (field: unknown) => boolean }): value is Expected {
  const fields: readonly [string, unknown][] = Object.entries(checks);
  return isObject(value) && fields.every(([name, check]) => typeof check === "function" && check((value as JsonObject)[name]) === true);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
