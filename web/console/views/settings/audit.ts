// Who did what: the audit log, the newest first; for administrators.

import { make } from "../../../chat/dom";
import { failureText } from "../../api/http";
import type { AuditEntry } from "../../api/types";
import type { DeskSession } from "../../session";
import { auditText, momentText } from "../../texts";
import { type Field, makeAction, makeSelect } from "../parts";

const EVERYBODY = "";

export function drawAudit(session: DeskSession): HTMLElement {
  return new AuditPage(session).element;
}

class AuditPage {
  readonly element: HTMLElement;
  private readonly rows = make("tbody");
  private readonly status = make("p", { class: "nothing", attributes: { role: "status" } });
  private readonly older = makeAction({ label: "Show earlier entries", kind: "quiet", onClick: () => void this.read() });
  private readonly who: Field<HTMLSelectElement>;
  private cursor: number | null = null;
  private asked = 0;

  constructor(private readonly session: DeskSession) {
    const people = session.colleagues.map(({ staff_id, name }) => [staff_id, name] as const);
    this.who = makeSelect("Done by", [[EVERYBODY, "Everybody"], ...people], EVERYBODY);
    this.who.control.addEventListener("change", () => this.readAnew());
    const heads = ["When", "Who", "What"].map((name) => make("th", { attributes: { scope: "col" } }, name));
    this.element = make(
      "section",
      { class: "card card-wide" },
      make("h2", {}, "Audit log"),
      make(
        "p",
        { class: "card-text" },
        "What people and programs did here. No entry can be changed without its showing: ",
        make("code", {}, "deskhand staff audit --verify"),
        " checks.",
      ),
      make("div", { class: "filters" }, this.who.element),
      make("table", { class: "audit" }, make("thead", {}, make("tr", {}, ...heads)), this.rows),
      this.status,
      this.older,
    );
    this.readAnew();
  }

  private readAnew(): void {
    this.cursor = null;
    this.rows.replaceChildren();
    void this.read();
  }

  private async read(): Promise<void> {
    this.asked += 1;
    const asked = this.asked;
    this.status.hidden = false;
    this.status.textContent = "Loading…";
    this.older.hidden = true;
    const reply = await this.session.staff.audit({ actor: this.who.control.value, cursor: this.cursor });
    if (asked !== this.asked) return;
    if (!reply.ok) {
      this.status.replaceChildren(
        failureText(reply.failure),
        " ",
        makeAction({ label: "Try again", kind: "quiet", onClick: () => void this.read() }),
      );
      return;
    }
    this.cursor = reply.value.next_cursor;
    this.rows.append(...reply.value.items.map(drawEntry));
    this.status.hidden = this.rows.childElementCount > 0;
    this.status.textContent = "Nothing was done yet.";
    this.older.hidden = this.cursor === null;
  }
}

function drawEntry(entry: AuditEntry): HTMLElement {
  // Of a conversation, the log holds ids and numbers: for whoever reads it with a program.
  const details = entry.target.startsWith("sess_") ? [] : Object.entries(entry.details);
  const more = details.map(([name, value]) => `${name.replaceAll("_", " ")}: ${wordsOf(value)}`);
  return make(
    "tr",
    { attributes: { "data-action": entry.action } },
    make("td", {}, make("time", { attributes: { datetime: entry.at } }, momentText(entry.at))),
    make("td", {}, entry.actor.name),
    make(
      "td",
      {},
      auditText(entry.action),
      " ",
      drawTarget(entry),
      more.length > 0 && make("span", { class: "audit-more" }, ` ${more.join(", ")}`),
    ),
  );
}

function drawTarget({ target }: AuditEntry): HTMLElement | null {
  if (target === "" || target.startsWith("signin_")) return null;
  const name = make("code", {}, target);
  return target.startsWith("sess_") ? make("a", { attributes: { href: `#/inbox/all/${target}` } }, name) : name;
}

function wordsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.length > 0 ? value.map(wordsOf).join(" and ") : JSON.stringify(value);
}
