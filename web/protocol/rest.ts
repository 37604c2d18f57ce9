// What the page asks over plain HTTP, and the checks of what comes back.

import { type Attachment, isObject } from "./events";

export interface PublicConfig {
  readonly name: string;
  readonly company: string;
  readonly suggestions: readonly string[];
  readonly upload: { readonly accept: readonly string[]; readonly maxBytes: number; readonly maxFiles: number };
  readonly messageMaxCharacters: number;
}

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
  if (!isObject(value)) return null;
  const { session_id: sessionId, token } = value;
  return typeof sessionId === "string" && typeof token === "string" ? { sessionId, token } : null;
}

export function readStoredSession(value: unknown): SessionRecord | null {
  if (!isObject(value)) return null;
  const { sessionId, token } = value;
  return typeof sessionId === "string" && typeof token === "string" ? { sessionId, token } : null;
}

export function readConfig(value: unknown): PublicConfig | null {
  if (!isObject(value)) return null;
  const { name, company, suggestions, upload, message_max_characters: messageMaxCharacters } = value;
  if (typeof name !== "string" || typeof company !== "string" || typeof messageMaxCharacters !== "number" || !isObject(upload)) return null;
  const { accept, max_bytes: maxBytes, max_files: maxFiles } = upload;
  if (!isTextList(suggestions) || !isTextList(accept) || typeof maxBytes !== "number" || typeof maxFiles !== "number") return null;
  return { name, company, suggestions, upload: { accept, maxBytes, maxFiles }, messageMaxCharacters };
}

export function readUploaded(value: unknown): Uploaded | null {
  if (!isObject(value)) return null;
  const { attachment_id, filename, content_type, size_mb, processed, error } = value;
  if (typeof attachment_id !== "string" || typeof filename !== "string" || typeof content_type !== "string") return null;
  const size_bytes = typeof size_mb === "number" ? Math.round(size_mb * 1_048_576) : 0;
  const reason = typeof error === "string" && error !== "" ? error : null;
  return {
    attachment: { attachment_id, filename, content_type, size_bytes },
    error: reason ?? (processed === false ? "This file could not be read." : null),
  };
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

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
