// One request to the server, as the member of staff who is signed in. Ends, in time, with a value or a stated failure.

import { parseJson } from "../../client/api";
import { type Reply, type RequestFailure, readRefusal } from "../../protocol/rest";

const TIME_LIMIT_MS = 30_000;
/** Searching documents and drafting ask a model. */
export const PATIENT_MS = 120_000;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Wanted {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

export interface Answered<Value> {
  readonly value: Value;
  readonly headers: Headers;
}

export class Http {
  /** Called when the server no longer knows who this is. */
  onSignedOut: () => void = () => undefined;

  constructor(readonly prefix: string) {}

  async ask<Value>(method: Method, path: string, wanted: Wanted = {}): Promise<Reply<Value>> {
    const reply = await this.askFully<Value>(method, path, wanted);
    return reply.ok ? { ok: true, value: reply.value.value } : reply;
  }

  async askFully<Value>(method: Method, path: string, wanted: Wanted = {}): Promise<Reply<Answered<Value>>> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.prefix}${path}`, {
        method,
        headers: this.headers(wanted),
        body: bodyOf(wanted.body),
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(wanted.limitMs ?? TIME_LIMIT_MS),
      });
      text = await response.text();
    } catch (error) {
      // fetch fails with TypeError when the network does, and with DOMException when the time is up.
      if (error instanceof TypeError || error instanceof DOMException) return { ok: false, failure: { kind: "unreachable" } };
      throw error;
    }
    const body = parseJson(text);
    if (!response.ok) return { ok: false, failure: this.refused(response, body, path) };
    return { ok: true, value: { value: body as Value, headers: response.headers } };
  }

  private headers(wanted: Wanted): Headers {
    const headers = new Headers({ Accept: "application/json", "X-Deskhand": "console", ...wanted.headers });
    if (wanted.body !== undefined && !(wanted.body instanceof FormData)) headers.set("Content-Type", "application/json");
    return headers;
  }

  private refused(response: Response, body: unknown, path: string): RequestFailure {
    if (response.status === 401 && !path.startsWith("/staff/sign-in")) this.onSignedOut();
    return readRefusal(response.status, body, response.headers.get("Retry-After"));
  }
}

function bodyOf(body: unknown): BodyInit | null {
  if (body === undefined) return null;
  return body instanceof FormData ? body : JSON.stringify(body);
}

/** What went wrong, in words for the person at the desk. */
export function failureText(failure: RequestFailure): string {
  if (failure.kind === "unreachable") return "The server cannot be reached. Check the connection and try again.";
  return `${failure.message} ${failure.support}`.trim();
}
