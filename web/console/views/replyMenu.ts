// The canned replies above the field: opened by "/" at its beginning, narrowed by what follows, chosen with the arrows.

import { make } from "../../chat/dom";
import type { CannedReply } from "../api/types";
import { findLookedFor } from "../state/writing";

const MOST_SHOWN = 8;

export class ReplyMenu {
  readonly element = make("ul", {
    class: "reply-menu",
    attributes: { id: "reply-menu", role: "listbox", "aria-label": "Canned replies", hidden: "" },
  });
  private found: readonly CannedReply[] = [];
  private chosen = 0;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly onChoose: (reply: CannedReply) => void,
  ) {
    field.setAttribute("aria-controls", "reply-menu");
  }

  /** After each change of the field. */
  look(replies: readonly CannedReply[]): void {
    const wanted = findLookedFor(this.field.value);
    if (wanted === null) this.close();
    else this.open(replies, wanted);
  }

  open(replies: readonly CannedReply[], text: string): void {
    const wanted = text.toLowerCase();
    this.found = replies.filter((reply) => `${reply.shortcut} ${reply.title}`.toLowerCase().includes(wanted)).slice(0, MOST_SHOWN);
    this.chosen = 0;
    this.element.hidden = false;
    this.draw();
  }

  close(): void {
    this.element.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  /** Returns whether the key was the menu's. */
  takeKey(event: KeyboardEvent): boolean {
    if (this.element.hidden) return false;
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      this.chosen = (this.chosen + step + this.found.length) % Math.max(1, this.found.length);
      this.draw();
    } else if ((event.key === "Enter" || event.key === "Tab") && this.found.length > 0) this.choose(this.chosen);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  private choose(index: number): void {
    const reply = this.found[index];
    this.close();
    if (reply !== undefined) this.onChoose(reply);
  }

  private draw(): void {
    const none = make(
      "li",
      { class: "reply-none", attributes: { role: "option", "aria-disabled": "true" } },
      "No canned reply. Write some under Settings.",
    );
    const rows = this.found.map((reply, index) => {
      const row = make(
        "li",
        {
          class: "reply-row",
          attributes: { role: "option", id: `reply-${index}`, "aria-selected": String(index === this.chosen) },
          onClick: () => this.choose(index),
        },
        make("span", { class: "reply-shortcut" }, `/${reply.shortcut.replace(/^\//, "")}`),
        make("strong", {}, reply.title),
        make("span", { class: "reply-text" }, reply.text),
      );
      // The field keeps the focus.
      row.addEventListener("mousedown", (event) => event.preventDefault());
      return row;
    });
    this.element.replaceChildren(...(rows.length === 0 ? [none] : rows));
    if (rows.length > 0) this.field.setAttribute("aria-activedescendant", `reply-${this.chosen}`);
    else this.field.removeAttribute("aria-activedescendant");
  }
}
