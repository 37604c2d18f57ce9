// Where the operator writes: a reply to the customer, or a note for colleagues; canned replies behind "/", a draft from the AI.

import { make } from "../../chat/dom";
import { parseMarkdown } from "../../markdown/blocks";
import { letterOf } from "../../markdown/plain";
import { failureText } from "../api/http";
import type { CannedReply } from "../api/types";
import { makeIcon } from "../icons";
import type { DeskSession, OpenConversation } from "../session";
import { fillReply, findLookedFor, withoutSent } from "../state/writing";
import { customerName } from "../texts";
import { keep, type Mode, type Place, readKept } from "./keptWords";
import { makeAction } from "./parts";
import { ReplyFiles } from "./replyFiles";
import { ReplyMenu } from "./replyMenu";

/** Below this, a draft without sources only says that there is none. */
const UNSURE = 0.4;

export interface ComposerHandlers {
  onSent(): void;
  takeOver(): void;
  reopen(): void;
}

export class Composer {
  readonly element: HTMLElement;
  private readonly field = make("textarea", {
    class: "composer-field",
    attributes: { rows: "2", dir: "auto", "aria-label": "Reply to the customer" },
  });
  private readonly gate = make("div", { class: "gate", attributes: { hidden: "" } });
  private readonly replyTab = this.makeTab("Reply", "reply");
  private readonly noteTab = this.makeTab("Note", "note");
  private readonly draftButton = makeAction({ label: "Draft", icon: "spark", kind: "quiet", onClick: () => void this.draft() });
  private readonly cannedButton = makeAction({ label: "Replies", icon: "bolt", kind: "quiet", onClick: () => this.openReplies() });
  private readonly send = makeAction({ label: "Send", icon: "send", kind: "primary", onClick: () => void this.submit() });
  private readonly draftFacts = make("p", { class: "draft-facts", attributes: { role: "status", hidden: "" } });
  private readonly files = new ReplyFiles();
  private readonly menu: ReplyMenu;
  private readonly box: HTMLElement;
  private mode: Mode = "reply";
  private sessionId = "";
  private gateKey = "";
  /** The conversations to which something is on its way: the next is sent when it has arrived. */
  private readonly sending = new Set<string>();
  /** Stays the same until it was taken, so that a message that is sent again is not said twice. */
  private pending: { readonly text: string; readonly id: string } | null = null;

  constructor(
    private readonly session: DeskSession,
    private readonly handlers: ComposerHandlers,
  ) {
    this.menu = new ReplyMenu(this.field, (reply) => this.insert(reply));
    this.box = make(
      "div",
      { class: "composer-box" },
      make("div", { class: "composer-tabs", attributes: { role: "group", "aria-label": "What you write" } }, this.replyTab, this.noteTab),
      this.menu.element,
      this.draftFacts,
      this.field,
      this.files.element,
      make(
        "div",
        { class: "composer-bar" },
        this.files.picker,
        this.files.button,
        this.cannedButton,
        this.draftButton,
        make("span", { class: "composer-hint" }, "Enter sends · Shift + Enter new line · / replies"),
        this.send,
      ),
    );
    this.element = make("footer", { class: "desk-composer" }, this.gate, this.box);
    this.listen();
    this.setMode("reply");
  }

  update(open: OpenConversation): void {
    if (open.sessionId !== this.sessionId) this.restore(open.sessionId);
    const isAdmitted = this.drawGate(open);
    const isBlocked = this.mode === "reply" && !isAdmitted;
    this.field.disabled = isBlocked;
    this.send.disabled = isBlocked || this.sending.has(this.sessionId) || this.field.value.trim() === "";
    this.draftButton.disabled = isBlocked;
    this.cannedButton.disabled = isBlocked;
    this.files.button.disabled = isBlocked;
    this.box.toggleAttribute("data-blocked", isBlocked);
    this.field.placeholder = this.placeholder(open, isBlocked);
  }

  /** A field that was closed a moment ago takes the focus only once it is drawn as open. */
  focus(): void {
    if (this.session.open !== null) this.update(this.session.open);
    this.field.focus();
  }

  setMode(mode: Mode): void {
    if (mode !== this.mode) this.field.value = readKept({ sessionId: this.sessionId, mode });
    this.mode = mode;
    this.menu.close();
    this.element.dataset["mode"] = mode;
    this.replyTab.setAttribute("aria-pressed", String(mode === "reply"));
    this.noteTab.setAttribute("aria-pressed", String(mode === "note"));
    this.draftButton.hidden = mode === "note";
    this.cannedButton.hidden = mode === "note";
    this.files.button.hidden = mode === "note";
    this.files.element.toggleAttribute("data-aside", mode === "note");
    this.field.setAttribute("aria-label", mode === "note" ? "Internal note" : "Reply to the customer");
    this.send.replaceChildren(makeIcon(mode === "note" ? "note" : "send"), make("span", {}, mode === "note" ? "Add note" : "Send"));
    this.fit();
    if (this.session.open !== null) this.update(this.session.open);
  }

  private placeholder(open: OpenConversation, isBlocked: boolean): string {
    if (this.mode === "note") return "A note for your colleagues. The customer never sees it.";
    if (isBlocked) return "Take the conversation over to reply, or leave a note.";
    return open.detail === null ? "" : `Reply to ${customerName(open.detail)}…`;
  }

  /** Says why nothing can be sent now, and offers what helps. Returns whether a reply may be written. */
  private drawGate(open: OpenConversation): boolean {
    const { detail } = open;
    const mine = detail?.assignee?.staff_id === this.session.me.staff_id;
    const key = detail === null ? "none" : `${detail.state}:${detail.assignee?.staff_id ?? ""}`;
    if (key !== this.gateKey) {
      this.gateKey = key;
      this.gate.hidden = detail === null || (detail.state === "assigned" && mine);
      if (detail !== null) this.gate.replaceChildren(...this.gateParts(detail.state, detail.assignee?.name ?? ""));
    }
    return detail !== null && ((detail.state === "assigned" && mine) || detail.state === "waiting" || (detail.state === "snoozed" && mine));
  }

  private gateParts(state: string, holder: string): readonly HTMLElement[] {
    const words = (text: string) => make("p", {}, text);
    const take = (label: string) =>
      makeAction({ label, icon: "person", key: "T", kind: "primary", onClick: () => this.handlers.takeOver() });
    switch (state) {
      case "ai":
        return [words("The assistant is answering. Step in whenever you like; it falls silent at once."), take("Take over")];
      case "waiting":
        return [words("Nobody has this conversation yet. Your first reply makes it yours."), take("Take it")];
      case "assigned":
        return [words(`${holder} has this conversation.`), take("Take over")];
      case "snoozed":
        return [words("Put off until later. It comes back by itself, or when the customer writes."), take("Take it back")];
      default: {
        const reopen = makeAction({ label: "Reopen", icon: "retry", onClick: () => this.handlers.reopen() });
        return state === "ended" ? [words("This conversation is closed.")] : [words("This conversation is resolved."), reopen];
      }
    }
  }

  private listen(): void {
    this.field.addEventListener("input", () => {
      if (this.field.value === "") this.draftFacts.hidden = true;
      this.fit();
      keep(this.place(), this.field.value);
      this.menu.look(this.mode === "reply" ? this.session.replies : []);
      if (this.mode === "reply" && this.field.value !== "") this.session.tellTyping();
      if (this.session.open !== null) this.update(this.session.open);
    });
    this.field.addEventListener("keydown", (event) => {
      if (this.menu.takeKey(event)) return;
      if (event.key === "Escape") this.field.blur();
      // While an input method composes, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.submit();
    });
  }

  private async submit(): Promise<void> {
    const place = this.place();
    const written = this.field.value;
    if (written.trim() === "" || this.field.disabled || this.send.disabled) return;
    this.sending.add(place.sessionId);
    this.send.disabled = true;
    const isSent = place.mode === "note" ? await this.session.do({ act: "notes", text: written.trim() }) : await this.say(written.trim());
    this.sending.delete(place.sessionId);
    if (isSent) this.write(withoutSent(this.read(place), written), place);
    if (isSent && place.sessionId === this.sessionId) {
      this.draftFacts.hidden = true;
      this.handlers.onSent();
      if (place.mode === "note" && this.mode === "note" && this.field.value === "") this.setMode("reply");
    }
    if (this.session.open !== null) this.update(this.session.open);
  }

  private async say(text: string): Promise<boolean> {
    const { sessionId } = this;
    const { files } = this.files;
    if (this.pending?.text !== text) this.pending = { text, id: crypto.randomUUID() };
    const isSaid = await this.session.say({ text, id: this.pending.id, files });
    if (isSaid && sessionId === this.sessionId) {
      this.pending = null;
      this.files.drop(files);
    }
    return isSaid;
  }

  private async draft(): Promise<void> {
    const place = this.place();
    this.draftButton.disabled = true;
    this.draftFacts.hidden = false;
    this.draftFacts.textContent = "The assistant is writing a draft…";
    const reply = await this.session.desk.draft(place.sessionId);
    this.draftButton.disabled = false;
    if (place.sessionId !== this.sessionId) return;
    if (!reply.ok) {
      this.draftFacts.textContent = failureText(reply.failure);
      return;
    }
    const { text, sources, confidence } = reply.value;
    if (sources.length === 0 && confidence < UNSURE) {
      this.draftFacts.textContent = "The assistant found nothing to draft from. This one is yours.";
      return;
    }
    const sure = `, ${Math.round(confidence * 100)} % sure`;
    const written = this.read(place).trim();
    // What the customer reads is what was written: marks and references would reach them as they are.
    const letter = letterOf(parseMarkdown(text, { unfinished: false }).map(({ block }) => block));
    this.write(written === "" ? letter : `${written}\n\n${letter}`, place);
    this.draftFacts.textContent = `Draft from ${sources.length === 1 ? "1 source" : `${sources.length} sources`}${sure}. Read it before you send it.`;
    this.focus();
  }

  private openReplies(): void {
    this.menu.open(this.session.replies, "");
    this.focus();
  }

  private insert(reply: CannedReply): void {
    const { detail } = this.session.open ?? {};
    const text = fillReply(reply.text, { name: detail?.customer.name ?? "", agent: this.session.me.name });
    // What was typed to find it makes room; anything else stays, and it goes in where the cursor is.
    if (findLookedFor(this.field.value) !== null) this.field.value = "";
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, "end");
    this.write(this.field.value);
    this.focus();
  }

  private place(): Place {
    return { sessionId: this.sessionId, mode: this.mode };
  }

  private isHere(place: Place): boolean {
    return place.sessionId === this.sessionId && place.mode === this.mode;
  }

  private read(place: Place): string {
    return this.isHere(place) ? this.field.value : readKept(place);
  }

  /** Into the field, or to what is kept where somebody writes elsewhere by now. */
  private write(text: string, place: Place = this.place()): void {
    keep(place, text);
    if (!this.isHere(place)) return;
    if (this.field.value !== text) this.field.value = text;
    this.fit();
    if (this.session.open !== null) this.update(this.session.open);
  }

  private restore(sessionId: string): void {
    this.sessionId = sessionId;
    this.gateKey = "";
    this.pending = null;
    this.draftFacts.hidden = true;
    this.files.clear();
    this.menu.close();
    const note = readKept({ sessionId, mode: "note" });
    this.mode = note !== "" && readKept({ sessionId, mode: "reply" }) === "" ? "note" : "reply";
    this.field.value = readKept(this.place());
    this.setMode(this.mode);
  }

  /** As high as the text; the style sheet sets the limit. */
  private fit(): void {
    this.field.style.height = "auto";
    // An empty field has its height; to ask for one takes a layout.
    if (this.field.value !== "") this.field.style.height = `${this.field.scrollHeight}px`;
  }

  private makeTab(label: string, mode: Mode): HTMLButtonElement {
    return make(
      "button",
      {
        class: "composer-tab",
        attributes: { type: "button", "aria-pressed": "false" },
        onClick: () => {
          this.setMode(mode);
          this.focus();
        },
      },
      label,
    );
  }
}
