// The middle column: the conversations of one view, newest first, with search.

import { arrange, make } from "../../chat/dom";
import { type Conversation, VIEWS } from "../api/types";
import { makeIcon } from "../icons";
import { go, type Route } from "../route";
import type { DeskSession } from "../session";
import { agoText, customerName, emptyViews, priorityNames, stateText, viewNames } from "../texts";
import { makeAction, makeEmpty, makeFace, makePill } from "./parts";
import { type RowView, VirtualList } from "./virtualList";

const ROW_PX = 92;
const SEARCH_AFTER_MS = 220;
const MINUTE_MS = 30_000;

type InboxRoute = Extract<Route, { section: "inbox" }>;

export class InboxList {
  readonly element: HTMLElement;
  private readonly title = make("h1", { class: "pane-title" });
  private readonly search = make("input", {
    class: "search-input",
    attributes: { type: "search", placeholder: "Search", "aria-label": "Search conversations", "aria-keyshortcuts": "/" },
  });
  private readonly chips = make("nav", { class: "view-chips", attributes: { "aria-label": "Views" } });
  private readonly message = make("div", { class: "list-message" });
  private readonly list: VirtualList<Conversation>;
  private route: InboxRoute = { section: "inbox", view: "all", sessionId: null };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private shown = "";
  private drawnHead = "";
  private revealed: string | null = null;

  constructor(private readonly session: DeskSession) {
    this.list = new VirtualList<Conversation>({
      label: "Conversations",
      rowHeight: ROW_PX,
      keyOf: (item) => item.session_id,
      makeRow: () => this.makeRow(),
      onEnd: () => void session.fetchMore(),
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), SEARCH_AFTER_MS);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.search.value = "";
      this.ask();
      this.search.blur();
    });
    this.element = make(
      "section",
      { class: "list-pane", attributes: { "aria-label": "Inbox" } },
      make("header", { class: "list-head" }, this.title, make("label", { class: "search" }, makeIcon("search"), this.search), this.chips),
      this.message,
      this.list.element,
    );
    setInterval(() => this.list.redraw(), MINUTE_MS);
  }

  focusSearch(): void {
    this.search.focus();
    this.search.select();
  }

  update(route: InboxRoute): void {
    const isOther = this.shown !== route.view;
    const isMoved = this.route.sessionId !== route.sessionId;
    this.route = route;
    if (isOther) {
      this.shown = route.view;
      this.search.value = "";
      this.list.scrollToTop();
      void this.session.show(route.view, "");
    }
    this.drawHead();
    this.drawItems();
    if (isMoved || isOther) this.list.redraw();
    if (route.sessionId !== null && this.revealed !== route.sessionId) {
      this.revealed = route.sessionId;
      this.list.reveal(route.sessionId);
    }
  }

  private ask(): void {
    this.list.scrollToTop();
    void this.session.show(this.route.view, this.search.value.trim());
  }

  private drawHead(): void {
    const { counts } = this.session.inbox;
    const key = `${this.route.view} ${JSON.stringify(counts)}`;
    if (key === this.drawnHead) return;
    this.drawnHead = key;
    this.title.textContent = viewNames[this.route.view];
    arrange(
      this.chips,
      VIEWS.map((view) =>
        make(
          "a",
          {
            class: "view-chip",
            attributes: { href: `#/inbox/${view}`, "aria-current": view === this.route.view ? "page" : null },
          },
          viewNames[view],
          counts !== null && counts[view] > 0 && make("span", { class: "count" }, String(counts[view])),
        ),
      ),
    );
  }

  private drawItems(): void {
    const { inbox } = this.session;
    this.list.update(inbox.items);
    const isEmpty = inbox.items.length === 0;
    this.list.element.hidden = isEmpty;
    this.message.hidden = !isEmpty;
    if (isEmpty) this.message.replaceChildren(this.drawMessage());
  }

  private drawMessage(): HTMLElement {
    const { inbox } = this.session;
    if (inbox.phase === "loading")
      return make(
        "div",
        { class: "skeletons", attributes: { "aria-busy": "true" } },
        ...[1, 2, 3, 4, 5].map(() => make("div", { class: "skeleton" })),
      );
    if (inbox.phase === "failed") {
      return makeEmpty(
        "warning",
        "The inbox cannot be loaded",
        "The server did not answer.",
        makeAction({ label: "Try again", icon: "retry", onClick: () => void this.session.fetchFirst() }),
      );
    }
    if (inbox.text !== "")
      return makeEmpty("search", "Nothing found", `No conversation under “${viewNames[inbox.view]}” holds “${inbox.text}”.`);
    const { title, text } = emptyViews[inbox.view];
    return makeEmpty(inbox.view === "ai" ? "spark" : inbox.view === "snoozed" ? "clock" : "check", title, text);
  }

  private makeRow(): RowView<Conversation> {
    const element = make("a", { class: "conversation-row", attributes: { href: "#" } });
    return { element, update: (item) => this.drawRow(element, item) };
  }

  private drawRow(element: HTMLAnchorElement, item: Conversation): void {
    const name = customerName(item);
    const author = item.preview_author === "assistant" ? "AI: " : item.preview_author === "operator" ? "Team: " : "";
    element.href = `#/inbox/${this.route.view}/${item.session_id}`;
    element.onclick = (event) => {
      if (event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      go({ section: "inbox", view: this.route.view, sessionId: item.session_id });
    };
    element.dataset["unread"] = String(item.unread > 0);
    element.toggleAttribute("data-selected", item.session_id === this.route.sessionId);
    if (item.session_id === this.route.sessionId) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
    element.replaceChildren(
      makeFace(name),
      make(
        "span",
        { class: "row-words" },
        make(
          "span",
          { class: "row-top" },
          make("span", { class: "row-name", attributes: { dir: "auto" } }, name),
          make("time", { attributes: { datetime: item.last_activity } }, agoText(item.last_activity, Date.now())),
        ),
        make(
          "span",
          { class: "row-middle" },
          make("span", { class: "row-subject", attributes: { dir: "auto" } }, item.subject === "" ? "No subject yet" : item.subject),
          item.unread > 0 && make("span", { class: "unread" }, String(item.unread), make("span", { class: "visually-hidden" }, " unread")),
        ),
        make(
          "span",
          { class: "row-bottom" },
          make("span", { class: "row-preview" }, author, make("bdi", {}, item.preview)),
          ...this.drawMarks(item),
        ),
      ),
    );
  }

  private drawMarks(item: Conversation): readonly HTMLElement[] {
    const marks: HTMLElement[] = [];
    const isLate = (dueAt: string | null) => dueAt !== null && Date.parse(dueAt) < Date.now();
    if (isLate(item.sla_due_at) || isLate(item.resolve_due_at)) marks.push(makePill("Late", "late"));
    if (item.priority === "urgent" || item.priority === "high") marks.push(makePill(priorityNames[item.priority], item.priority));
    if (item.unread > 0 && this.session.hasLeft(item.assignee?.staff_id)) marks.push(makePill("Nobody there", "late"));
    if (item.state === "assigned" && this.route.view !== "mine")
      marks.push(makePill(stateText(item, this.session.me.staff_id), "assigned"));
    else if (item.state === "waiting") marks.push(makePill("Waiting", "waiting"));
    return marks;
  }
}
