// The desk's routes by name.

import type { Reply } from "../../protocol/rest";
import { type Http, PATIENT_MS } from "./http";
import type {
  CannedReply,
  Colleague,
  Conversation,
  ConversationDetail,
  ConversationPage,
  Draft,
  Overview,
  Priority,
  TranscriptPage,
  View,
} from "./types";

export const PAGE_SIZE = 100;

export interface Query {
  readonly view: View;
  readonly text: string;
}

/** `id` stays the same when it is sent again, so that it is said once. */
export interface Said {
  readonly text: string;
  readonly id: string;
  readonly files: readonly File[];
}

/** What can be done to a conversation. Each answers the conversation as it is then. */
export type Deed =
  | { readonly act: "claim"; readonly force?: boolean }
  | { readonly act: "assign"; readonly staff_id: string }
  | { readonly act: "release" }
  | { readonly act: "transfer"; readonly staff_id?: string; readonly skill?: string; readonly note?: string }
  | { readonly act: "return"; readonly note?: string }
  | { readonly act: "snooze"; readonly until: string }
  | { readonly act: "resolve"; readonly end_session?: boolean }
  | { readonly act: "reopen" }
  | { readonly act: "notes"; readonly text: string }
  | { readonly act: "priority"; readonly priority: Priority }
  | { readonly act: "tags"; readonly tags: readonly string[] }
  | { readonly act: "read" };

export class Desk {
  constructor(readonly http: Http) {}

  list(query: Query, cursor: string | null): Promise<Reply<ConversationPage>> {
    const parameters = new URLSearchParams({ view: query.view, limit: String(PAGE_SIZE) });
    if (query.text !== "") parameters.set("q", query.text);
    if (cursor !== null) parameters.set("cursor", cursor);
    return this.http.ask("GET", `/desk/conversations?${parameters}`);
  }

  get(sessionId: string): Promise<Reply<ConversationDetail>> {
    return this.http.ask("GET", `/desk/conversations/${sessionId}`);
  }

  do(sessionId: string, deed: Deed, version: number | null): Promise<Reply<Conversation>> {
    const { act, ...body } = deed;
    return this.http.ask("POST", `/desk/conversations/${sessionId}/${act}`, { body: version === null ? body : { ...body, version } });
  }

  /** What was said before an event. */
  transcript(sessionId: string, before: string): Promise<Reply<TranscriptPage>> {
    return this.http.ask("GET", `/chat/sessions/${sessionId}/messages?before=${before}&limit=${PAGE_SIZE}`);
  }

  say(sessionId: string, said: Said): Promise<Reply<{ readonly message_id: string }>> {
    const form = new FormData();
    form.append("message", said.text);
    form.append("client_message_id", said.id);
    for (const file of said.files) form.append("attachments", file);
    const body = said.files.length > 0 ? form : { message: said.text, client_message_id: said.id };
    return this.http.ask("POST", `/desk/conversations/${sessionId}/messages`, { body, limitMs: PATIENT_MS });
  }

  typing(sessionId: string): void {
    void this.http.ask("POST", `/desk/conversations/${sessionId}/typing`, { body: {} });
  }

  draft(sessionId: string): Promise<Reply<Draft>> {
    return this.http.ask("POST", `/desk/conversations/${sessionId}/draft`, { body: {}, limitMs: PATIENT_MS });
  }

  staff(): Promise<Reply<readonly Colleague[]>> {
    return this.http.ask("GET", "/desk/staff");
  }

  overview(days: number): Promise<Reply<Overview>> {
    return this.http.ask("GET", `/desk/overview?days=${days}`);
  }

  replies(): Promise<Reply<readonly CannedReply[]>> {
    return this.http.ask("GET", "/desk/replies");
  }

  addReply(reply: Omit<CannedReply, "reply_id">): Promise<Reply<CannedReply>> {
    return this.http.ask("POST", "/desk/replies", { body: reply });
  }

  changeReply(reply: CannedReply): Promise<Reply<CannedReply>> {
    const { reply_id, shortcut, title, text } = reply;
    return this.http.ask("PUT", `/desk/replies/${reply_id}`, { body: { shortcut, title, text } });
  }

  deleteReply(replyId: string): Promise<Reply<unknown>> {
    return this.http.ask("DELETE", `/desk/replies/${replyId}`);
  }
}
