// The top of the panel: whose it is, how the connection stands, and what can be done with the conversation.

import { makeButton } from "../chat/dom";
import { type IconName, makeIcon } from "../chat/icons";
import { bannerOf, connectionOf } from "../chat/standing";
import { texts } from "../chat/texts";
import type { ConversationState } from "../client/conversation";
import type { PublicConfig } from "../protocol/rest";
import { findIn } from "./markup";
import { widgetTexts } from "./widgetTexts";

/** A break shorter than this is not worth a word. */
const BANNER_AFTER_MS = 1_500;

export interface TopActions {
  askForPerson(): void;
  download(): void;
  startOver(): void;
  close(): void;
}

export class TopView {
  private readonly state: HTMLElement;
  private readonly banner: HTMLElement;
  private readonly saveButton: HTMLButtonElement;
  private readonly newButton: HTMLButtonElement;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(panel: HTMLElement, config: PublicConfig, actions: TopActions) {
    this.state = findIn(panel, "connection", HTMLElement);
    this.banner = findIn(panel, "banner", HTMLElement);
    const company = config.company.charAt(0).toLocaleUpperCase() + config.company.slice(1);
    findIn(panel, "company", HTMLElement).textContent = company;
    panel.setAttribute("aria-label", `${company} – ${texts.assistant}`);
    const person = topButton("person", texts.person, "top-button offer-person", () => actions.askForPerson());
    this.saveButton = topButton("save", texts.download, "top-button", () => actions.download());
    this.newButton = topButton("plus", widgetTexts.words.startOver, "top-button", () => actions.startOver());
    const close = topButton("close", widgetTexts.words.close, "top-button", () => actions.close());
    findIn(panel, "actions", HTMLElement).replaceChildren(person, this.saveButton, this.newButton, close);
  }

  update(state: ConversationState): void {
    const shown = state.connection === "idle" && state.obstacle === null ? "idle" : connectionOf(state);
    this.state.dataset["state"] = shown;
    this.state.textContent = texts.connection[shown];
    this.saveButton.hidden = state.thread.items.length === 0;
    // A conversation that people have is not left by a slip of the finger.
    this.newButton.hidden = state.thread.status === "escalated" || (state.session === null && state.outbox.length === 0);
    this.showBanner(bannerOf(state));
  }

  private showBanner(words: string | null): void {
    clearTimeout(this.timer);
    if (words === null) this.banner.hidden = true;
    else if (!this.banner.hidden) this.banner.textContent = words;
    else {
      this.timer = setTimeout(() => {
        this.banner.textContent = words;
        this.banner.hidden = false;
      }, BANNER_AFTER_MS);
    }
  }
}

function topButton(icon: IconName, label: string, name: string, onClick: () => void): HTMLButtonElement {
  return makeButton({ class: name, label, icon: makeIcon(icon), isLabelHidden: true, onClick });
}
