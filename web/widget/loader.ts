// The script that a company puts on its pages: draws the button, and loads the conversation when it is asked for, or when there is one
// already. It touches nothing of the page but one element of its own, and works under a policy that allows only this script's host.

import { lastingArea } from "../client/area";
import { tonesOf } from "./colour";
import type { Frame, News, Options, Panel, PanelModule } from "./contract";
import { directionOf, launcherWords } from "./language";
import { readOptions } from "./options";
import styles from "./styles/launcher.css?inline";

type Listener<Name extends keyof News> = (news: News[Name]) => void;
type Listeners = { readonly [Name in keyof News]: Set<Listener<Name>> };

const SVG = "http://www.w3.org/2000/svg";
const BUBBLE =
  "M3.5 9.4c0-3.3 2.9-5.9 6.5-5.900s6.5 2.6 6.5 5.9-2.9 5.9-6.5 5.900c-.8 0-1.5-.1-2.2-.3L4.2 16.500l.6-3.100a5.6 5.6 0 0 1-1.3-4z";
const CROSS = "m5.5 5.5 9 9m0-9-9 9";
// Important, and on the element itself: the only words about it that no rule of the page can overrule.
const HOST_STYLE = { all: "initial", position: "fixed", inset: "0 0 auto auto", width: "0", height: "0", "z-index": "2147483000" };

class Widget implements Frame {
  readonly shell = document.createElement("div");
  readonly root: ShadowRoot;
  private readonly host = document.createElement("deskhand-widget");
  private readonly launcher = document.createElement("button");
  private readonly badge = document.createElement("span");
  private readonly listeners: Listeners = { open: new Set(), close: new Set(), message: new Set(), unread: new Set(), identity: new Set() };
  private panel: Promise<Panel> | null = null;
  private isOpen = false;
  private unread = 0;

  constructor(readonly options: Options) {
    this.root = this.host.attachShadow({ mode: "open" });
    for (const [name, value] of Object.entries(HOST_STYLE)) this.host.style.setProperty(name, value, "important");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    this.root.adoptedStyleSheets = [sheet];
    this.dress();
    this.drawLauncher();
    this.root.append(this.shell);
    this.shell.addEventListener("keydown", (event) => {
      // What is typed here is no shortcut of the page.
      event.stopPropagation();
      if (event.key === "Escape" && !event.isComposing && this.isOpen && !event.defaultPrevented) this.close();
    });
    document.body.append(this.host);
    if (lastingArea.getItem("deskhand.session") !== null) whenIdle(() => void this.load());
  }

  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.show();
    this.launcher.dataset["state"] = "loading";
    void this.load().then(
      (panel) => {
        this.launcher.dataset["state"] = "ready";
        panel.show(this.isOpen);
        if (this.isOpen) this.tell("open", {});
      },
      (error: unknown) => this.fail(error),
    );
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.show();
    const hadFocus = this.root.activeElement !== null;
    void this.panel?.then((panel) => panel.show(this.isOpen));
    if (hadFocus) this.launcher.focus();
    this.tell("close", {});
  }

  identify(userToken: string): void {
    void this.load().then(
      (panel) => panel.identify(userToken),
      () => this.tell("identity", { state: "refused", code: "unreachable" }),
    );
  }

  /** Returns a function that ends it. */
  on<Name extends keyof News>(name: Name, listener: Listener<Name>): () => void {
    const listeners: Set<Listener<Name>> | undefined = this.listeners[name];
    if (listeners === undefined) throw new TypeError(`Deskhand: there is no "${name}" to listen for.`);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  tell<Name extends keyof News>(name: Name, news: News[Name]): void {
    if (name === "unread" && "count" in news) {
      this.unread = news.count;
      this.show();
    }
    for (const listener of this.listeners[name]) {
      // A fault of the page's own is told where such faults are told, and is none of ours.
      queueMicrotask(() => listener(news));
    }
  }

  private load(): Promise<Panel> {
    this.panel ??= this.mount();
    return this.panel;
  }

  private async mount(): Promise<Panel> {
    const loaded: PanelModule = await import(/* @vite-ignore */ `${this.options.desk}/widget-panel.js`);
    const panel = await loaded.mountPanel(this);
    this.shell.prepend(panel.element);
    return panel;
  }

  private fail(error: unknown): void {
    this.panel = null;
    this.isOpen = false;
    this.launcher.dataset["state"] = "failed";
    this.show();
    const words = launcherWords[this.options.language].unavailable;
    this.launcher.setAttribute("aria-label", words);
    this.launcher.title = words;
    if (!(error instanceof TypeError)) throw error;
  }

  private dress(): void {
    const { language, side, theme, colour } = this.options;
    this.shell.className = "deskhand";
    this.shell.lang = language;
    this.shell.dir = directionOf(language);
    this.shell.dataset["side"] = side;
    this.shell.dataset["theme"] = theme;
    this.shell.dataset["status"] = "active";
    if (colour === null) return;
    const { light, dark } = tonesOf(colour);
    this.shell.style.setProperty("--own-accent", `light-dark(${light.accent}, ${dark.accent})`);
    this.shell.style.setProperty("--own-accent-ink", `light-dark(${light.ink}, ${dark.ink})`);
  }

  private drawLauncher(): void {
    this.launcher.type = "button";
    this.launcher.className = "launcher";
    this.launcher.setAttribute("aria-haspopup", "dialog");
    this.badge.className = "badge";
    this.badge.setAttribute("aria-hidden", "true");
    this.launcher.append(drawing("when-closed", BUBBLE), drawing("when-open", CROSS), this.badge);
    this.launcher.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    this.shell.append(this.launcher);
    this.show();
  }

  private show(): void {
    const words = launcherWords[this.options.language];
    const label = this.isOpen ? words.close : words.open;
    this.shell.toggleAttribute("data-open", this.isOpen);
    this.launcher.setAttribute("aria-expanded", String(this.isOpen));
    this.launcher.setAttribute("aria-label", this.unread > 0 && !this.isOpen ? `${label} (${this.unread} ${words.unread})` : label);
    this.badge.hidden = this.unread === 0 || this.isOpen;
    this.badge.textContent = this.unread > 9 ? "9+" : String(this.unread);
  }
}

function drawing(name: string, path: string): SVGSVGElement {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 20 20");
  icon.setAttribute("class", `icon ${name}`);
  icon.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  icon.append(line);
  return icon;
}

function whenIdle(work: () => void): void {
  // Safari has no idle callback.
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 2_000 });
  else setTimeout(work, 300);
}

function start(script: HTMLScriptElement): void {
  const options = readOptions(script);
  const begin = () => {
    const widget = new Widget(options);
    const api = {
      open: () => widget.open(),
      close: () => widget.close(),
      identify: (userToken: string) => widget.identify(userToken),
      on: <Name extends keyof News>(name: Name, listener: Listener<Name>) => widget.on(name, listener),
    };
    Object.defineProperty(window, "Deskhand", { value: Object.freeze(api), configurable: true });
    performance.mark("deskhand-ready");
    dispatchEvent(new CustomEvent("deskhand:ready"));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
}

// A page that has the script twice gets one widget. Only a classic script knows its own element.
if (document.currentScript instanceof HTMLScriptElement && document.querySelector("deskhand-widget") === null)
  start(document.currentScript);
