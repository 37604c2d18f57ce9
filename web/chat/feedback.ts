// What the customer thinks of each answer: sent to the server, and kept here to be shown again after a reload.

import type { Api } from "../client/api";
import { parseJson } from "../client/api";
import { lastingArea } from "../client/area";
import type { Conversation } from "../client/conversation";
import { isObject } from "../protocol/events";
import type { Feedback, Judgement } from "./elements/answerView";

const KEY = "deskhand.feedback";

export class KeptFeedback implements Feedback {
  constructor(
    private readonly api: Api,
    private readonly conversation: Conversation,
  ) {}

  find(messageId: string): Judgement | null {
    const value = this.read()[messageId];
    return value === "up" || value === "down" ? value : null;
  }

  give(messageId: string, value: Judgement | null): void {
    const { session } = this.conversation.state;
    if (session === null) return;
    const before = this.find(messageId);
    this.write(messageId, value);
    void this.api.judgeAnswer(session, messageId, value).then((reply) => {
      // What the server has not taken is not shown as given.
      if (!reply.ok) this.write(messageId, before);
    });
  }

  private read(): { readonly [messageId: string]: unknown } {
    const kept = parseJson(lastingArea.getItem(KEY) ?? "{}");
    return isObject(kept) && kept["session"] === this.conversation.state.session?.sessionId && isObject(kept["given"]) ? kept["given"] : {};
  }

  private write(messageId: string, value: Judgement | null): void {
    const given = Object.fromEntries(Object.entries({ ...this.read(), [messageId]: value }).filter(([, kept]) => kept !== null));
    lastingArea.setItem(KEY, JSON.stringify({ session: this.conversation.state.session?.sessionId, given }));
  }
}
