// Plain HTTP to the server. Every call ends, in time, with a value or a stated failure.

import type { OutboxEntry } from "../protocol/outbox";
import {
  type CreateSession,
  type IdentifyCustomer,
  type PublicConfig,
  type Reply,
  type RequestFailure,
  readConfig,
  readRefusal,
  readSession,
  type SendMessage,
  type SessionRecord,
} from "../protocol/rest";

const TIME_LIMIT_MS = 20_000;
/** Of a large file over a slow line. */
const FILE_LIMIT_MS = 120_000;

export class Api {
  /** `prefix`: where the API is, as a path of this page's server or as a whole address. `channel`: what new sessions are said to come by. */
  constructor(
    readonly prefix: string,
    private readonly channel = "chat_page",
  ) {}

  readConfig(): Promise<Reply<PublicConfig>> {
    return this.ask(`${this.prefix}/public/config`, { method: "GET" }, readConfig);
  }

  openSession(): Promise<Reply<SessionRecord>> {
    return this.ask(
      `${this.prefix}/sessions`,
      jsonRequest<Pick<CreateSession, "metadata">>({ metadata: { channel: this.channel } }),
      readSession,
    );
  }

  /** Have a message stored. Saying it again with the same id is the same message. */
  postMessage(session: SessionRecord, entry: OutboxEntry): Promise<Reply<true>> {
    const request = jsonRequest<SendMessage>({
      message: entry.content,
      client_message_id: entry.clientMessageId,
      attachments: entry.attachments.map((attachment) => attachment.attachment_id),
    });
    request.headers.set("Prefer", "respond-async");
    request.headers.set("Authorization", `Bearer ${session.token}`);
    return this.ask(`${this.prefix}/chat/sessions/${session.sessionId}/messages`, request, () => true);
  }

  /** Prove who the customer is. Answers with the session's new token; the one that was used is void. */
  identify(session: SessionRecord, userToken: string): Promise<Reply<SessionRecord>> {
    const request = authorised(jsonRequest<IdentifyCustomer>({ user_token: userToken }), session);
    return this.ask(`${this.prefix}/sessions/${session.sessionId}/identify`, request, readSession);
  }

  /** What the customer thinks of one answer; `null` takes it back. */
  judgeAnswer(session: SessionRecord, messageId: string, value: "up" | "down" | null): Promise<Reply<true>> {
    const request = authorised(jsonRequest({ value }), session);
    return this.ask(`${this.prefix}/chat/sessions/${session.sessionId}/messages/${messageId}/feedback`, request, () => true);
  }

  /** How the conversation was, 1 to 5. The last rating counts. */
  rateSession(session: SessionRecord, score: number, comment: string | null): Promise<Reply<true>> {
    const request = authorised(jsonRequest(comment === null ? { score } : { score, comment }), session);
    return this.ask(`${this.prefix}/sessions/${session.sessionId}/rating`, request, () => true);
  }

  /** Stop the answer that runs. That it did is heard as an event. */
  cancelTurn(session: SessionRecord): Promise<Reply<true>> {
    const headers = new Headers({ Authorization: `Bearer ${session.token}` });
    return this.ask(`${this.prefix}/chat/sessions/${session.sessionId}/cancel`, { method: "POST", headers }, () => true);
  }

  /** Fails with `isSessionGone` when the session is not there, or no longer this browser's. */
  checkSession(session: SessionRecord): Promise<Reply<true>> {
    const headers = new Headers({ Authorization: `Bearer ${session.token}` });
    return this.ask(`${this.prefix}/sessions/${session.sessionId}`, { method: "GET", headers }, () => true);
  }

  /** A file of the session, of whichever side, as it was sent. */
  async readFile(session: SessionRecord, attachmentId: string): Promise<Reply<Blob>> {
    const headers = new Headers({ Authorization: `Bearer ${session.token}` });
    const url = `${this.prefix}/sessions/${session.sessionId}/attachments/${attachmentId}`;
    try {
      const response = await fetch(url, { headers, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(FILE_LIMIT_MS) });
      if (response.ok) return { ok: true, value: await response.blob() };
      return failed(readRefusal(response.status, parseJson(await response.text()), response.headers.get("Retry-After")));
    } catch (error) {
      return unreachable(error);
    }
  }

  private async ask<Value>(url: string, request: RequestInit, read: (body: unknown) => Value | null): Promise<Reply<Value>> {
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(url, { ...request, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(TIME_LIMIT_MS) });
      body = parseJson(await response.text());
    } catch (error) {
      return unreachable(error);
    }
    if (!response.ok) return failed(readRefusal(response.status, body, response.headers.get("Retry-After")));
    const value = read(body);
    return value === null ? failed(readRefusal(502, null, null)) : { ok: true, value };
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function jsonRequest<Body>(body: Body): { method: string; headers: Headers; body: string } {
  return { method: "POST", headers: new Headers({ "Content-Type": "application/json" }), body: JSON.stringify(body) };
}

function authorised<Request extends { readonly headers: Headers }>(request: Request, session: SessionRecord): Request {
  request.headers.set("Authorization", `Bearer ${session.token}`);
  return request;
}

/** fetch fails with TypeError when the network does, and with DOMException when the time is up. */
function unreachable(error: unknown): { ok: false; failure: RequestFailure } {
  if (error instanceof TypeError || error instanceof DOMException) return failed({ kind: "unreachable" });
  throw error;
}

function failed(failure: RequestFailure): { ok: false; failure: RequestFailure } {
  return { ok: false, failure };
}
