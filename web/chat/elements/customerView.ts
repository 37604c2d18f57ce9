// One message of the customer: on its way, refused, or stored.

import type { Attachment } from "../../protocol/events";
import type { Failure } from "../../protocol/thread";
import { make, makeButton } from "../dom";
import { texts } from "../texts";
import { makeTime } from "./answerView";
import { makeFiles } from "./files";

export type Delivery = "sending" | "waiting" | "stored" | "queued" | "refused";

export interface CustomerRow {
  readonly key: string;
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly timestamp: string;
  readonly delivery: Delivery;
  readonly failure: Failure | null;
}

export interface CustomerActions {
  sayAgain(key: string): void;
  edit(key: string): void;
  takeBack(key: string): void;
}

export class CustomerView {
  readonly element = make("article", { class: "row customer", attributes: { "aria-label": texts.you } });
  private readonly state = make("div", { class: "delivery" });
  private row: CustomerRow | null = null;

  constructor(private readonly actions: CustomerActions) {}

  update(row: CustomerRow): void {
    const before = this.row;
    this.row = row;
    if (before === null || before.content !== row.content || before.attachments.length !== row.attachments.length) this.drawBubble(row);
    if (before?.delivery !== row.delivery || before.timestamp !== row.timestamp || before.failure !== row.failure) this.drawState(row);
  }

  private drawBubble(row: CustomerRow): void {
    const bubble = make(
      "div",
      { class: "bubble" },
      make("p", { attributes: { dir: "auto" } }, row.content),
      makeFiles(row.attachments, null),
    );
    this.element.replaceChildren(bubble, this.state);
  }

  private drawState(row: CustomerRow): void {
    this.element.dataset["delivery"] = row.delivery;
    const words = deliveryText(row.delivery);
    if (row.delivery === "refused") this.state.replaceChildren(...this.drawRefusal(row));
    else this.state.replaceChildren(...(words === null ? [] : [make("span", {}, words)]), makeTime(row.timestamp));
  }

  private drawRefusal(row: CustomerRow): readonly HTMLElement[] {
    const button = (label: string, onClick: () => void) => makeButton({ class: "quiet-button", label, onClick });
    return [
      make(
        "p",
        { class: "refusal", attributes: { role: "alert" } },
        `${texts.refused}. ${row.failure?.message ?? ""} ${row.failure?.support ?? ""}`,
      ),
      make(
        "div",
        { class: "buttons" },
        button(texts.tryAgain, () => this.actions.sayAgain(row.key)),
        button(texts.editAgain, () => this.actions.edit(row.key)),
        button(texts.takeBack, () => this.actions.takeBack(row.key)),
      ),
    ];
  }
}

function deliveryText(delivery: Delivery): string | null {
  switch (delivery) {
    case "sending":
      return texts.sending;
    case "waiting":
      return texts.waitingToSend;
    case "queued":
      return texts.queued;
    default:
      return null;
  }
}
