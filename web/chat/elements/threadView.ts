// The conversation, row by row. A row keeps its element for as long as it exists, so nothing a reader holds is taken from them.

import type { ConversationState } from "../../client/conversation";
import type { OutboxEntry } from "../../protocol/outbox";
import { findRunningAnswer, listWaitingTurns, type ThreadItem } from "../../protocol/thread";
import { arrange } from "../dom";
import { type AnswerActions, AnswerView } from "./answerView";
import { type CustomerActions, type CustomerRow, CustomerView, type Delivery } from "./customerView";
import type { SaveFile } from "./files";
import { makeEscalation, makeHandoff, makeModeNotice, makePending, makePersonReply, makePersonTyping } from "./notices";

export class ThreadView {
  private readonly answers = new Map<string, AnswerView>();
  private readonly customers = new Map<string, CustomerView>();
  private readonly notices = new Map<string, HTMLElement | null>();
  private readonly pending = makePending();
  private readonly personTyping = makePersonTyping();

  constructor(
    private readonly element: HTMLElement,
    private readonly actions: AnswerActions & CustomerActions & { readonly saveFile: SaveFile },
  ) {}

  update(state: ConversationState): void {
    const waiting = new Set(listWaitingTurns(state.thread));
    const isRunning = findRunningAnswer(state.thread) !== undefined;
    const rows = state.thread.items.map((item) => this.drawItem(item, isRunning ? waiting : new Set()));
    const outgoing = state.outbox.map((entry) => this.drawCustomer(outgoingRow(entry, state)));
    const isPending = !isRunning && waiting.size > 0;
    const last = [isPending && this.pending, state.isPersonTyping && this.personTyping].filter((row) => row !== false);
    arrange(this.element, [...rows.filter((row) => row !== null), ...outgoing, ...last]);
    this.forgetOthers(state);
  }

  private drawItem(item: ThreadItem, queued: ReadonlySet<string>): HTMLElement | null {
    switch (item.kind) {
      case "customer": {
        const isQueued = item.turnId !== null && queued.has(item.turnId);
        return this.drawCustomer({ ...item, delivery: isQueued ? "queued" : "stored", failure: null });
      }
      case "answer": {
        const view = findOrMake(this.answers, item.key, () => new AnswerView(this.actions));
        view.update(item);
        return view.element;
      }
      case "escalation":
        return findOrMake(this.notices, item.key, () => makeEscalation(item));
      case "person":
        return findOrMake(this.notices, item.key, () => makePersonReply(item, this.actions.saveFile));
      case "handoff":
        return findOrMake(this.notices, item.key, () => makeHandoff(item));
      case "mode":
        return findOrMake(this.notices, item.key, () => makeModeNotice(item));
    }
  }

  private drawCustomer(row: CustomerRow): HTMLElement {
    const view = findOrMake(this.customers, row.key, () => new CustomerView(this.actions));
    view.update(row);
    return view.element;
  }

  private forgetOthers(state: ConversationState): void {
    const kept = new Set([...state.thread.items.map((item) => item.key), ...state.outbox.map((entry) => entry.clientMessageId)]);
    for (const views of [this.answers, this.customers, this.notices]) {
      for (const key of views.keys()) if (!kept.has(key)) views.delete(key);
    }
  }
}

function outgoingRow(entry: OutboxEntry, state: ConversationState): CustomerRow {
  return {
    key: entry.clientMessageId,
    content: entry.content,
    attachments: entry.attachments,
    timestamp: entry.createdAt,
    delivery: deliveryOf(entry, state),
    failure: entry.failure,
  };
}

function deliveryOf(entry: OutboxEntry, state: ConversationState): Delivery {
  if (entry.state === "refused") return "refused";
  if (entry.state === "accepted") return "stored";
  return state.obstacle === null ? "sending" : "waiting";
}

function findOrMake<Value>(values: Map<string, Value>, key: string, makeValue: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  const value = makeValue();
  values.set(key, value);
  return value;
}
