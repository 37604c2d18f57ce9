// The console: finds out who is signed in, shows the door or the desk, and nothing else.

import "../chat/styles/tokens.css";
import "../chat/styles/shared.css";
import "../chat/styles/thread.css";
import "../chat/styles/prose.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/inbox.css";
import "./styles/composer.css";
import "./styles/details.css";
import "./styles/conversation.css";
import "./styles/overview.css";
import "./styles/settings.css";
import "./styles/pages.css";
import "./styles/forced.css";

import { findRequired, make } from "../chat/dom";
import { failureText, Http } from "./api/http";
import { StaffApi } from "./api/staff";
import type { StaffMember } from "./api/types";
import { Notifier } from "./notifier";
import { go } from "./route";
import { DeskSession } from "./session";
import { Shell } from "./shell";
import { momentText } from "./texts";
import { makeAction, makeEmpty } from "./views/parts";
import { drawSignIn } from "./views/signIn";

const TOAST_MS = 3_500;

class Console {
  private readonly http = new Http(document.querySelector('meta[name="deskhand-api-prefix"]')?.getAttribute("content") ?? "/api");
  private readonly staff = new StaffApi(this.http);
  private readonly app = findRequired("app", HTMLElement);
  private session: DeskSession | null = null;
  private shell: Shell | null = null;
  private readonly notifier = new Notifier((sessionId) => go({ section: "inbox", view: "all", sessionId }));

  async start(): Promise<void> {
    const reply = await this.staff.me();
    if (reply.ok) this.enter(reply.value);
    else if (reply.failure.kind === "refused" && reply.failure.status === 401) this.showDoor();
    else this.showUnavailable(failureText(reply.failure));
    document.documentElement.dataset["ready"] = "";
  }

  private enter(me: StaffMember): void {
    this.http.onSignedOut = () => this.leave("You were signed out. Sign in to go on.");
    this.session = new DeskSession(this.http, me, {
      notify: (kind, sessionId) => this.notifier.tell(kind, sessionId),
      announce: (words) => findRequired("announcements", HTMLElement).replaceChildren(make("p", {}, words)),
      tell,
    });
    this.shell = new Shell(this.session, this.notifier, () => void this.signOut());
    // The browser takes its time for the first one: while the server is asked what to show, and not when somebody opens a conversation.
    momentText(new Date().toISOString());
  }

  private async signOut(): Promise<void> {
    const reply = await this.staff.signOut();
    if (reply.ok) this.leave(null);
    else tell(failureText(reply.failure), "bad");
  }

  private leave(why: string | null): void {
    if (this.session === null) return;
    this.shell?.close();
    this.session.close();
    this.session = null;
    this.shell = null;
    this.http.onSignedOut = () => undefined;
    for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
    this.showDoor();
    if (why !== null) tell(why, "bad");
  }

  private showDoor(): void {
    document.title = "Sign in – Deskhand";
    const address = new URL(location.href);
    const refusal = address.searchParams.get("sign_in");
    if (refusal !== null) {
      // Said once: not again after a reload.
      address.searchParams.delete("sign_in");
      history.replaceState(null, "", address);
    }
    this.app.replaceChildren(drawSignIn(this.staff, () => void this.start(), refusal));
    this.app.querySelector<HTMLElement>("input")?.focus();
  }

  private showUnavailable(why: string): void {
    const again = makeAction({ label: "Try again", icon: "retry", onClick: () => void this.start() });
    this.app.replaceChildren(make("main", { class: "door" }, makeEmpty("warning", "The desk cannot be reached", why, again)));
  }
}

function tell(sentence: string, kind: "good" | "bad"): void {
  const toasts = findRequired("toasts", HTMLElement);
  const toast = make("p", { class: "toast", attributes: { "data-kind": kind } }, sentence);
  toasts.append(toast);
  setTimeout(() => toast.remove(), TOAST_MS);
}

void new Console().start();
