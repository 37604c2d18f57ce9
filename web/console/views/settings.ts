// The settings: a list of pages, each drawn when it is opened.

import { arrange, make } from "../../chat/dom";
import type { Notifier } from "../notifier";
import { SETTINGS_PAGES, type SettingsPage } from "../route";
import type { DeskSession } from "../session";
import { settingsNames } from "../texts";
import { drawAudit } from "./settings/audit";
import { drawKeys } from "./settings/keys";
import { drawNotifications, drawProfile } from "./settings/own";
import { drawPeople } from "./settings/people";
import { drawReplies } from "./settings/replies";
import { drawSecurity } from "./settings/security";

const ADMIN_ONLY: readonly SettingsPage[] = ["people", "keys", "audit"];

export class SettingsView {
  readonly element: HTMLElement;
  private readonly links = make("nav", { class: "settings-links", attributes: { "aria-label": "Settings" } });
  private readonly body = make("div", { class: "settings-body" });
  private shown: SettingsPage | null = null;

  constructor(
    private readonly session: DeskSession,
    private readonly notifier: Notifier,
    private readonly onSignOut: () => void,
  ) {
    this.element = make(
      "div",
      { class: "page settings" },
      make("header", { class: "page-head" }, make("h1", {}, "Settings")),
      this.links,
      this.body,
    );
    // Opened again, a page is read again.
    addEventListener("hashchange", () => {
      if (!location.hash.startsWith("#/settings")) this.shown = null;
    });
  }

  show(wanted: SettingsPage): void {
    const page = this.pages().includes(wanted) ? wanted : "profile";
    if (page === this.shown) return;
    this.shown = page;
    arrange(
      this.links,
      this.pages().map((name) =>
        make("a", { attributes: { href: `#/settings/${name}`, "aria-current": name === page ? "page" : null } }, settingsNames[name]),
      ),
    );
    this.body.replaceChildren(this.drawPage(page));
    this.links.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  private pages(): readonly SettingsPage[] {
    return SETTINGS_PAGES.filter((page) => this.session.me.role === "admin" || !ADMIN_ONLY.includes(page));
  }

  private drawPage(page: SettingsPage): HTMLElement {
    switch (page) {
      case "profile":
        return drawProfile(this.session, this.onSignOut);
      case "security":
        return drawSecurity(this.session);
      case "notifications":
        return drawNotifications(this.notifier);
      case "replies":
        return drawReplies(this.session);
      case "people":
        return drawPeople(this.session);
      case "keys":
        return drawKeys(this.session);
      case "audit":
        return drawAudit(this.session);
    }
  }
}
