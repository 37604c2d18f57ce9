// The right column: who the customer is, how the conversation stands, what is known, and what was before.

import { make } from "../../chat/dom";
import type { ConversationDetail, Priority } from "../api/types";
import { makeIcon } from "../icons";
import { go } from "../route";
import type { DeskSession } from "../session";
import { isWithPeople } from "../state/inbox";
import { customerName, momentText, priorityNames, reasonText, stateText } from "../texts";
import { type Child, makeAction, makeFace, makePill } from "./parts";

const PRIORITIES: readonly Priority[] = ["low", "normal", "high", "urgent"];

export class DetailsPanel {
  readonly element = make("aside", { class: "details-pane", attributes: { "aria-label": "Customer and conversation" } });
  private drawn: ConversationDetail | null = null;

  constructor(
    private readonly session: DeskSession,
    private readonly onClose: () => void,
  ) {}

  update(detail: ConversationDetail | null): void {
    if (detail === this.drawn) return;
    const hadFocus = this.element.contains(document.activeElement) ? document.activeElement?.id : undefined;
    this.drawn = detail;
    if (detail === null) this.element.replaceChildren();
    else this.element.replaceChildren(this.drawCustomer(detail), this.drawFields(detail), this.drawFacts(detail), this.drawEarlier(detail));
    if (hadFocus !== undefined && hadFocus !== "") document.getElementById(hadFocus)?.focus();
  }

  private drawCustomer(detail: ConversationDetail): HTMLElement {
    const { customer } = detail;
    const name = customerName(detail);
    return make(
      "section",
      { class: "details-customer" },
      makeAction({ label: "Close details", icon: "close", kind: "icon", onClick: this.onClose }),
      makeFace(name),
      make("h2", { attributes: { dir: "auto", title: name } }, name),
      customer.user_id !== null && customer.user_id !== name && make("p", { class: "details-id" }, customer.user_id),
      customer.verified ? makePill("Verified", "good", "check") : makePill("Not verified", "quiet"),
    );
  }

  private drawFields(detail: ConversationDetail): HTMLElement {
    const rows: (readonly [string, Child])[] = [["Status", stateText(detail, this.session.me.staff_id)]];
    if (detail.reason !== null) rows.push(["Reason", reasonText(detail.reason)]);
    if (detail.skill !== null && detail.state === "waiting") rows.push(["Waits for", `somebody who knows ${detail.skill}`]);
    rows.push(["Priority", this.drawPriority(detail)]);
    if (detail.waiting_since !== null && detail.state === "waiting") rows.push(["Waiting since", momentText(detail.waiting_since)]);
    if (detail.sla_due_at !== null && detail.state !== "resolved") rows.push(["Answer due", momentText(detail.sla_due_at)]);
    if (detail.resolve_due_at !== null) rows.push(["To be resolved by", momentText(detail.resolve_due_at)]);
    if (detail.snoozed_until !== null && detail.state === "snoozed") rows.push(["Snoozed until", momentText(detail.snoozed_until)]);
    if (detail.rating !== null) rows.push(["Rating", drawRating(detail.rating)]);
    if (detail.ticket_id !== null) rows.push(["Reference", make("code", {}, detail.ticket_id)]);
    return make(
      "section",
      {},
      make("h3", {}, "Conversation"),
      make("dl", { class: "fields" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      this.drawTags(detail),
    );
  }

  private drawPriority(detail: ConversationDetail): Child {
    if (!isWithPeople(detail)) return priorityNames[detail.priority];
    const select = make(
      "select",
      { class: "inline-select", attributes: { id: "priority", "aria-label": "Priority", "data-priority": detail.priority } },
      ...PRIORITIES.map((priority) =>
        make("option", { attributes: { value: priority, selected: priority === detail.priority ? "" : null } }, priorityNames[priority]),
      ),
    );
    select.addEventListener("change", () => {
      const priority = PRIORITIES.find((candidate) => candidate === select.value);
      if (priority !== undefined) void this.session.do({ act: "priority", priority });
    });
    return select;
  }

  private drawTags(detail: ConversationDetail): HTMLElement {
    const isOpen = isWithPeople(detail);
    const save = (tags: readonly string[]) => void this.session.do({ act: "tags", tags });
    const input = make("input", {
      class: "tag-input",
      attributes: { id: "new-tag", placeholder: "Add a tag", "aria-label": "Add a tag", maxlength: "40" },
    });
    input.addEventListener("keydown", (event) => {
      const tag = input.value.trim();
      if (event.key !== "Enter" || event.isComposing || tag === "") return;
      event.preventDefault();
      save([...new Set([...detail.tags, tag])]);
    });
    const tags = detail.tags.map((tag) =>
      make(
        "li",
        { class: "tag" },
        tag,
        isOpen &&
          make(
            "button",
            {
              attributes: { type: "button", "aria-label": `Remove the tag ${tag}` },
              onClick: () => save(detail.tags.filter((other) => other !== tag)),
            },
            makeIcon("close"),
          ),
      ),
    );
    return make(
      "div",
      { class: "tags" },
      tags.length > 0 && make("ul", { attributes: { "aria-label": "Tags" } }, ...tags),
      isOpen && input,
    );
  }

  private drawFacts(detail: ConversationDetail): HTMLElement {
    const facts = detail.facts.map((fact) => make("li", { attributes: { dir: "auto" } }, fact));
    return make(
      "section",
      {},
      make("h3", {}, "Known of them"),
      facts.length === 0
        ? make("p", { class: "nothing" }, "Nothing yet. What the assistant learns of a customer is kept here.")
        : make("ul", { class: "facts" }, ...facts),
    );
  }

  private drawEarlier(detail: ConversationDetail): HTMLElement {
    const rows = detail.earlier.map((earlier) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            class: "earlier",
            attributes: { type: "button" },
            onClick: () => go({ section: "inbox", view: this.session.inbox.view, sessionId: earlier.session_id }),
          },
          make("span", { class: "earlier-subject", attributes: { dir: "auto" } }, earlier.subject === "" ? "No subject" : earlier.subject),
          make(
            "span",
            { class: "earlier-when" },
            earlier.ended_at === null ? "not ended" : momentText(earlier.ended_at),
            earlier.rating !== null && ` · ${earlier.rating}/5`,
          ),
        ),
      ),
    );
    return make(
      "section",
      {},
      make("h3", {}, "Earlier conversations"),
      rows.length === 0 ? make("p", { class: "nothing" }, "This is the first one.") : make("ul", { class: "earlier-list" }, ...rows),
    );
  }
}

function drawRating(rating: number): HTMLElement {
  return make(
    "span",
    { class: "rating", attributes: { "aria-label": `${rating} of 5` } },
    `${"★".repeat(rating)}${"☆".repeat(5 - rating)}`,
  );
}
