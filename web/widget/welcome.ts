// What is there before the first word: the company's greeting, and a few questions to begin with.

import { make } from "../chat/dom";
import { makeIcon } from "../chat/icons";
import { texts } from "../chat/texts";
import type { ConversationState } from "../client/conversation";
import type { PublicConfig } from "../protocol/rest";
import type { Options } from "./contract";
import { findIn } from "./markup";

export class WelcomeView {
  private readonly element: HTMLElement;
  private readonly restoring: HTMLElement;

  constructor(panel: HTMLElement, config: PublicConfig, options: Options, actions: { ask(question: string): void }) {
    this.element = findIn(panel, "welcome", HTMLElement);
    this.restoring = findIn(panel, "restoring", HTMLElement);
    // The settings' questions are in the language of whoever wrote them, which is rarely the visitor's: English ones are for English.
    const questions = options.suggestions ?? (options.language === "en" ? config.suggestions : []);
    this.element.replaceChildren(
      make("h3", { class: "welcome-title" }, options.greeting ?? texts.welcome),
      make("p", { class: "welcome-text" }, texts.welcomeText(config.company)),
      make(
        "ul",
        { class: "suggestions", attributes: { "aria-label": texts.suggestions } },
        ...questions.map((question) => drawQuestion(question, actions)),
      ),
    );
  }

  update(state: ConversationState): void {
    const isEmpty = state.thread.items.length === 0 && state.outbox.length === 0;
    const isRestoring = isEmpty && state.session !== null && state.connection !== "online";
    this.element.hidden = !isEmpty || isRestoring;
    this.restoring.hidden = !isRestoring;
  }
}

function drawQuestion(question: string, actions: { ask(question: string): void }): HTMLElement {
  const button = make(
    "button",
    { class: "suggestion", attributes: { type: "button" }, onClick: () => actions.ask(question) },
    make("span", {}, question),
    makeIcon("chevron"),
  );
  return make("li", {}, button);
}
