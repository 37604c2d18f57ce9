// The frame of the signed-in console: the rail with its sections and views, and the section that is shown.

import { arrange, findRequired, make } from "../chat/dom";
import { ThemeSwitch } from "../chat/theme";
import { type Conversation, VIEWS } from "./api/types";
import { type IconName, makeIcon } from "./icons";
import type { Notifier } from "./notifier";
import { go, home, type Route, readRoute } from "./route";
import type { DeskSession } from "./session";
import { listenForKeys } from "./shortcuts";
import { findNeighbour } from "./state/inbox";
import { viewNames } from "./texts";
import { ConversationPane } from "./views/conversationPane";
import { showHelp } from "./views/deedDialogs";
import { InboxList } from "./views/inboxList";
import { KnowledgePage } from "./views/knowledge";
import { OverviewPage } from "./views/overview";
import { makeAction, makeFace } from "./views/parts";
import { SettingsView } from "./views/settings";

const SECTIONS: readonly (readonly [Route["section"], string, IconName, string])[] = [
  ["inbox", "Inbox", "inbox", "#/inbox/all"],
  ["knowledge", "Knowledge", "book", "#/knowledge"],
  ["overview", "Overview", "chart", "#/overview"],
  ["settings", "Settings", "settings", "#/settings/profile"],
];

export class Shell {
  private readonly list: InboxList;
  private readonly conversation: ConversationPane;
  private readonly inbox: HTMLElement;
  private readonly rail = make("nav", { class: "rail", attributes: { "aria-label": "Console" } });
  private readonly sections = make("ul", { class: "rail-sections" });
  private readonly offline = make(
    "p",
    { class: "offline-bar", attributes: { role: "status", hidden: "" } },
    "The connection was lost. What you see may be old; reconnecting…",
  );
  private readonly stage = make("main", { class: "stage-area", attributes: { id: "stage" } });
  private readonly presence = make("button", { class: "presence-button", attributes: { type: "button" } });
  private readonly endings: (() => void)[] = [];
  private readonly knowledge: KnowledgePage;
  private readonly overview: OverviewPage;
  private readonly settings: SettingsView;
  private route: Route = readRoute(location.hash);
  private isPlanned = false;
  private railKey = "";

  constructor(
    private readonly session: DeskSession,
    private readonly notifier: Notifier,
    onSignOut: () => void,
  ) {
    this.list = new InboxList(session);
    this.conversation = new ConversationPane(session);
    this.inbox = make("div", { class: "inbox" }, this.list.element, this.conversation.element);
    this.knowledge = new KnowledgePage(session);
    this.overview = new OverviewPage(session);
    this.settings = new SettingsView(session, notifier, onSignOut);
    this.buildRail(onSignOut);
    findRequired("app", HTMLElement).replaceChildren(
      make("a", { class: "skip", attributes: { href: "#stage" }, onClick: (event) => this.skip(event) }, "Skip to the content"),
      this.rail,
      make("div", { class: "stage-column" }, this.offline, this.stage),
    );
    this.listen();
    this.draw();
  }

  close(): void {
    for (const end of this.endings) end();
  }

  private skip(event: MouseEvent): void {
    event.preventDefault();
    this.stage.tabIndex = -1;
    this.stage.focus();
  }

  private listen(): void {
    const onHash = () => {
      this.route = readRoute(location.hash);
      this.draw();
    };
    addEventListener("hashchange", onHash);
    this.endings.push(
      () => removeEventListener("hashchange", onHash),
      this.session.subscribe(() => this.plan()),
      listenForKeys({
        j: () => this.move(1),
        k: () => this.move(-1),
        t: () => void this.conversation.takeOver(),
        e: () => this.conversation.resolve(),
        z: () => this.conversation.snooze(),
        a: () => this.conversation.assign(),
        b: () => this.conversation.giveBack(),
        n: () => this.conversation.note(),
        r: () => void this.conversation.reply(),
        d: () => this.conversation.toggleDetails(),
        "/": () => this.focusSearch(),
        "?": showHelp,
        Escape: () => this.route.section === "inbox" && go({ ...this.route, sessionId: null }),
      }),
    );
  }

  private focusSearch(): void {
    if (this.route.section !== "inbox") go(home);
    this.list.focusSearch();
  }

  private move(step: 1 | -1): void {
    if (this.route.section !== "inbox") return;
    const next = findNeighbour(this.session.inbox, this.route.sessionId, step);
    if (next !== null) go({ ...this.route, sessionId: next });
  }

  /** Draw once a frame at most; in a hidden page, where no frames come, without delay. */
  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    const run = () => {
      if (!this.isPlanned) return;
      this.isPlanned = false;
      this.draw();
    };
    if (document.visibilityState === "hidden") setTimeout(run);
    else requestAnimationFrame(run);
  }

  private draw(): void {
    const { route } = this;
    this.offline.hidden = this.session.live !== "offline";
    this.notifier.showCount(this.session.live === "paused" ? 0 : this.countWaiting());
    this.drawRail();
    document.documentElement.dataset["section"] = route.section;
    document.documentElement.toggleAttribute("data-open", route.section === "inbox" && route.sessionId !== null);
    switch (route.section) {
      case "inbox":
        arrange(this.stage, [this.inbox]);
        this.list.update(route);
        this.conversation.update(route);
        return;
      case "knowledge":
        arrange(this.stage, [this.knowledge.element]);
        this.knowledge.show();
        return;
      case "overview":
        arrange(this.stage, [this.overview.element]);
        this.overview.show();
        return;
      case "settings":
        arrange(this.stage, [this.settings.element]);
        this.settings.show(route.page);
        return;
    }
  }

  private countWaiting(): number {
    const { counts, items } = this.session.inbox;
    const isMine = (item: Conversation) => item.assignee?.staff_id === this.session.me.staff_id;
    return (counts?.unassigned ?? 0) + items.filter((item) => item.unread > 0 && isMine(item)).length;
  }

  private buildRail(onSignOut: () => void): void {
    const theme = make("button", { class: "act act-icon", attributes: { type: "button" } });
    new ThemeSwitch(theme);
    const leave = makeAction({ label: "Sign out", icon: "leave", kind: "icon", onClick: onSignOut });
    const help = makeAction({ label: "Keys", icon: "help", key: "?", kind: "icon", onClick: showHelp });
    this.presence.addEventListener("click", () => void this.session.changePresence(this.session.presence === "online" ? "away" : "online"));
    this.rail.append(
      make(
        "a",
        { class: "brand", attributes: { href: "#/inbox/all", "aria-label": "Deskhand" } },
        make("span", { class: "brand-mark" }),
        make("span", { class: "brand-name" }, "Deskhand"),
      ),
      this.sections,
      make("div", { class: "rail-end" }, this.presence, make("div", { class: "rail-tools" }, theme, help, leave)),
    );
  }

  private drawRail(): void {
    const { counts } = this.session.inbox;
    const { me, presence } = this.session;
    const key = JSON.stringify([this.route.section, this.route.section === "inbox" && this.route.view, counts, presence, me.name]);
    if (key === this.railKey) return;
    this.railKey = key;
    const focused = this.sections.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    this.sections.replaceChildren(...SECTIONS.map((section) => this.drawSection(section)));
    if (typeof focused === "string") this.sections.querySelector<HTMLElement>(`[href="${focused}"]`)?.focus();
    this.presence.replaceChildren(
      makeFace(me.name, { presence }),
      make(
        "span",
        { class: "presence-words" },
        make("span", { class: "presence-name" }, me.name),
        make("span", { class: "presence-state" }, presence === "online" ? "Online" : "Away"),
      ),
    );
    this.presence.title =
      presence === "online" ? "You get new conversations. Press to be away." : "You get no new conversations. Press to be online.";
    this.presence.setAttribute("aria-pressed", String(presence === "online"));
  }

  private drawSection([section, name, icon, href]: (typeof SECTIONS)[number]): HTMLElement {
    const isHere = this.route.section === section;
    const waiting = this.session.inbox.counts?.unassigned ?? 0;
    const link = make(
      "a",
      { class: "rail-link", attributes: { href, "aria-current": isHere ? "page" : null } },
      makeIcon(icon),
      make("span", {}, name),
      section === "inbox" &&
        waiting > 0 &&
        make("span", { class: "count rail-count" }, make("span", { class: "visually-hidden" }, "waiting: "), String(waiting)),
    );
    return make("li", {}, link, section === "inbox" && isHere && this.drawViews());
  }

  private drawViews(): HTMLElement {
    const { counts } = this.session.inbox;
    const current = this.route.section === "inbox" ? this.route.view : null;
    return make(
      "ul",
      { class: "rail-views" },
      ...VIEWS.map((view) =>
        make(
          "li",
          {},
          make(
            "a",
            { attributes: { href: `#/inbox/${view}`, "aria-current": view === current ? "true" : null } },
            make("span", {}, viewNames[view]),
            counts !== null && counts[view] > 0 && make("span", { class: "count" }, String(counts[view])),
          ),
        ),
      ),
    );
  }
}
