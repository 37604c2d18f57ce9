// The top of the page: whose chat it is, how the connection stands, and what can be done with the conversation.

import type { ConversationState } from "../../client/conversation";
import type { PublicConfig } from "../../protocol/rest";
import { findRequired } from "../dom";
import { makeIcon } from "../icons";
import { bannerOf, connectionOf } from "../standing";
import { texts } from "../texts";
import { ThemeSwitch } from "../theme";
import { PageTitle } from "./pageTitle";

/** A break shorter than this is not worth a word. */
const BANNER_AFTER_MS = 1_500;

export class Header {
  private readonly state = findRequired("connection", HTMLElement);
  private readonly banner = findRequired("banner", HTMLElement);
  private readonly saveButton = findRequired("save", HTMLButtonElement);
  private readonly newButton = findRequired("new", HTMLButtonElement);
  private readonly dialog = findRequired("confirm-new", HTMLDialogElement);
  private readonly title: PageTitle;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(config: PublicConfig, actions: { askForPerson(): void; download(): void; startOver(): void }) {
    const company = titleCase(config.company);
    findRequired("company", HTMLElement).textContent = company;
    findRequired("monogram", HTMLElement).textContent = [...company][0] ?? "";
    this.title = new PageTitle(`${company} – ${texts.assistant}`);
    const personButton = findRequired("person", HTMLButtonElement);
    personButton.prepend(makeIcon("person"));
    this.newButton.prepend(makeIcon("plus"));
    this.saveButton.append(makeIcon("save"));
    this.saveButton.title = texts.download;
    this.saveButton.setAttribute("aria-label", texts.download);
    new ThemeSwitch(findRequired("theme", HTMLButtonElement));
    personButton.addEventListener("click", () => actions.askForPerson());
    this.saveButton.addEventListener("click", () => actions.download());
    this.newButton.addEventListener("click", () => this.dialog.showModal());
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "new") actions.startOver();
      this.dialog.returnValue = "";
    });
  }

  update(state: ConversationState): void {
    const shown = state.connection === "idle" && state.obstacle === null ? "idle" : connectionOf(state);
    this.state.dataset["state"] = shown;
    this.state.textContent = texts.connection[shown];
    document.documentElement.dataset["status"] = state.thread.status;
    this.saveButton.hidden = state.thread.items.length === 0;
    this.newButton.hidden = state.session === null && state.outbox.length === 0;
    this.showBanner(bannerOf(state));
    this.title.update(state.thread);
  }

  private showBanner(words: string | null): void {
    if (words === null) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.banner.hidden = true;
    } else if (!this.banner.hidden) this.banner.textContent = words;
    else {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.banner.textContent = words;
        this.banner.hidden = false;
      }, BANNER_AFTER_MS);
    }
  }
}

export function titleCase(name: string): string {
  const [first = "", ...rest] = [...name];
  return first.toUpperCase() + rest.join("");
}
