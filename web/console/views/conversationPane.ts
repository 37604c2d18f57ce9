// The open conversation: its head with what can be done, the brief, what was said, and the field to answer in.

import { make } from "../../chat/dom";
import type { Brief, ConversationDetail } from "../api/types";
import { go, type Route } from "../route";
import type { DeskSession } from "../session";
import { isWithPeople } from "../state/inbox";
import { customerName, reasonText, stateText } from "../texts";
import { Composer } from "./composer";
import { askAssign, askReturn, askSnooze } from "./deedDialogs";
import { DetailsPanel } from "./detailsPanel";
import type { Mode } from "./keptWords";
import { makeAction, makeDueClock, makeEmpty, makePill, windDueClock } from "./parts";
import { TranscriptView } from "./transcriptView";

const CLOCK_MS = 10_000;

type InboxRoute = Extract<Route, { section: "inbox" }>;

export class ConversationPane {
  readonly element: HTMLElement;
  readonly composer: Composer;
  private readonly head = make("header", { class: "conversation-head" });
  private readonly brief = make("details", { class: "brief", attributes: { hidden: "" } });
  private readonly transcript: TranscriptView;
  private readonly details: DetailsPanel;
  private readonly body: HTMLElement;
  private readonly nothing = make("div", { class: "conversation-nothing" });
  private drawn: ConversationDetail | null = null;
  private nothingKey = "";
  private briefKey = "";
  private clock: HTMLTimeElement | null = null;

  constructor(private readonly session: DeskSession) {
    this.composer = new Composer(session, {
      onSent: () => this.transcript.follow(),
      takeOver: () => void this.takeOver(),
      reopen: () => void session.do({ act: "reopen" }, "Open again."),
    });
    this.transcript = new TranscriptView(() => void session.fetchOlder(), session.http.prefix);
    this.details = new DetailsPanel(session, () => this.toggleDetails());
    this.body = make(
      "section",
      { class: "conversation-pane", attributes: { "aria-label": "Conversation" } },
      this.head,
      this.brief,
      this.transcript.element,
      this.composer.element,
    );
    setInterval(() => this.clock !== null && windDueClock(this.clock), CLOCK_MS);
    this.element = make("div", { class: "conversation-area" }, this.nothing, this.body, this.details.element);
  }

  update(route: InboxRoute): void {
    const { open } = this.session;
    if (route.sessionId === null) this.session.open !== null && this.session.closeConversation();
    else if (open?.sessionId !== route.sessionId) void this.session.openConversation(route.sessionId);
    this.draw(route);
  }

  async takeOver(): Promise<void> {
    await this.session.whenOpen();
    const detail = this.session.open?.detail;
    if (detail === null || detail === undefined) return;
    const isMine = detail.assignee?.staff_id === this.session.me.staff_id;
    if (detail.state === "assigned" && isMine) return this.write("reply");
    const isOthers = detail.assignee !== null && !isMine;
    const isTaken = await this.session.do(
      isOthers ? { act: "claim", force: true } : { act: "claim" },
      detail.state === "ai" ? "You have it. The assistant is silent." : "It is yours.",
    );
    if (isTaken) this.write("reply");
  }

  resolve(): void {
    if (this.isOpen()) void this.session.do({ act: "resolve" }, "Resolved.");
  }

  snooze(): void {
    if (this.isOpen()) askSnooze(this.session);
  }

  assign(): void {
    if (this.isOpen()) askAssign(this.session);
  }

  giveBack(): void {
    if (this.isOpen()) askReturn(this.session);
  }

  note(): void {
    if (this.session.open !== null) this.write("note");
  }

  async reply(): Promise<void> {
    await this.session.whenOpen();
    this.write("reply");
  }

  toggleDetails(): void {
    this.element.toggleAttribute("data-details");
  }

  private write(mode: Mode): void {
    this.composer.setMode(mode);
    this.composer.focus();
  }

  private isOpen(): boolean {
    const detail = this.session.open?.detail ?? null;
    return detail !== null && isWithPeople(detail);
  }

  private draw(route: InboxRoute): void {
    const { open } = this.session;
    const isReady = open !== null && open.detail !== null;
    this.body.hidden = !isReady;
    this.details.element.hidden = !isReady;
    this.nothing.hidden = isReady;
    if (open === null || open.detail === null) {
      this.drawNothing(route);
      return;
    }
    if (open.detail !== this.drawn) {
      this.drawn = open.detail;
      this.drawHead(open.detail);
      this.drawBrief(open.detail.brief, open.sessionId);
    }
    this.details.update(open.detail);
    this.transcript.update(open);
    this.composer.update(open);
  }

  private drawNothing(route: InboxRoute): void {
    const { open } = this.session;
    const key = open === null ? "none" : `${open.phase} ${open.failure}`;
    if (key === this.nothingKey) return;
    this.nothingKey = key;
    const back = makeAction({ label: "Back to the list", icon: "back", onClick: () => go({ ...route, sessionId: null }) });
    if (open === null)
      this.nothing.replaceChildren(makeEmpty("inbox", "Choose a conversation", "Or press J for the next one, and ? for all keys."));
    else if (open.phase === "failed") this.nothing.replaceChildren(makeEmpty("warning", "It cannot be opened", open.failure ?? "", back));
    else this.nothing.replaceChildren(make("p", { class: "loading", attributes: { role: "status" } }, "Opening…"));
  }

  private drawHead(detail: ConversationDetail): void {
    const isMine = detail.assignee?.staff_id === this.session.me.staff_id;
    const isOpen = this.isOpen();
    const actions = [
      isOpen && makeAction({ label: "Assign", icon: "assign", key: "A", kind: "icon", onClick: () => this.assign() }),
      isOpen && makeAction({ label: "Snooze", icon: "clock", key: "Z", kind: "icon", onClick: () => this.snooze() }),
      isOpen && makeAction({ label: "Give back to the AI", icon: "returned", key: "B", kind: "icon", onClick: () => this.giveBack() }),
      isOpen && isMine && makeAction({ label: "Resolve", icon: "check", key: "E", kind: "primary", onClick: () => this.resolve() }),
      makeAction({ label: "Customer and details", icon: "info", key: "D", kind: "icon", onClick: () => this.toggleDetails() }),
    ];
    const focused = this.head.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-keyshortcuts") : null;
    const back = makeAction({
      label: "Back to the list",
      icon: "back",
      kind: "icon",
      onClick: () => go({ section: "inbox", view: this.session.inbox.view, sessionId: null }),
    });
    back.classList.add("back");
    const state = makePill(stateText(detail, this.session.me.staff_id), detail.state);
    state.classList.add("conversation-state");
    this.clock = isOpen ? drawClock(detail) : null;
    this.head.replaceChildren(
      back,
      make(
        "div",
        { class: "conversation-words" },
        make("h1", { attributes: { dir: "auto" } }, detail.subject === "" ? customerName(detail) : detail.subject),
        make(
          "p",
          { class: "conversation-sub" },
          make("bdi", { class: "conversation-who" }, customerName(detail)),
          state,
          this.clock,
          detail.reason !== null && isOpen && make("span", { class: "conversation-reason" }, reasonText(detail.reason)),
        ),
      ),
      make("div", { class: "conversation-actions" }, ...actions),
    );
    if (focused !== null) this.head.querySelector<HTMLElement>(`[aria-keyshortcuts="${focused}"]`)?.focus();
  }

  private drawBrief(brief: Brief, sessionId: string): void {
    const key = `${sessionId} ${JSON.stringify(brief)}`;
    if (key === this.briefKey) return;
    this.briefKey = key;
    this.brief.hidden = brief.wants === "";
    const list = (title: string, items: readonly string[]) =>
      items.length > 0 &&
      make("div", {}, make("h4", {}, title), make("ul", {}, ...items.map((item) => make("li", { attributes: { dir: "auto" } }, item))));
    const isLong = brief.tried.length + brief.sources.length + brief.open_actions.length > 0;
    this.brief.open = false;
    this.brief.toggleAttribute("data-plain", !isLong);
    this.brief.replaceChildren(
      make(
        "summary",
        {},
        make("span", { class: "brief-label" }, "What they want"),
        make("span", { class: "brief-wants", attributes: { dir: "auto" } }, brief.wants),
      ),
      make(
        "div",
        { class: "brief-more" },
        list("Tried", brief.tried),
        list("Sources used", brief.sources),
        list("Still to do", brief.open_actions),
      ),
    );
  }
}

/** The nearest that somebody waits for: an answer, then the end of it. */
function drawClock(detail: ConversationDetail): HTMLTimeElement | null {
  if (detail.sla_due_at !== null) return makeDueClock("Answer", detail.sla_due_at);
  return detail.resolve_due_at === null ? null : makeDueClock("Resolve", detail.resolve_due_at);
}
