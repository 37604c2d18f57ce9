// What is there before the first word: a greeting and a few questions to begin with.

import type { ConversationState } from "../../client/conversation";
import type { PublicConfig } from "../../protocol/rest";
import { findRequired, make } from "../dom";
import { makeIcon } from "../icons";
import { texts } from "../texts";

export class Welcome {
  private readonly element = findRequired("welcome", HTMLElement);
  private readonly restoring = findRequired("restoring", HTMLElement);

  constructor(config: PublicConfig, actions: { ask(question: string): void }) {
    const suggestions = config.suggestions.map((question) =>
      make(
        "li",
        {},
        make(
          "button",
          { class: "suggestion", attributes: { type: "button" }, onClick: () => actions.ask(question) },
          make("span", {}, question),
          makeIcon("chevron"),
        ),
      ),
    );
    this.element.replaceChildren(
      make("h2", { class: "welcome-title" }, texts.welcome),
      make("p", { class: "welcome-text" }, texts.welcomeText(config.company)),
      ...(suggestions.length === 0
        ? []
        : [
            make("h3", { class: "welcome-heading", attributes: { id: "suggestions" } }, texts.suggestions),
            make("ul", { class: "suggestions", attributes: { "aria-labelledby": "suggestions" } }, ...suggestions),
          ]),
    );
  }

  update(state: ConversationState): void {
    const isEmpty = state.thread.items.length === 0 && state.outbox.length === 0;
    const isRestoring = isEmpty && state.session !== null && state.connection !== "online";
    this.element.hidden = !isEmpty || isRestoring;
    this.restoring.hidden = !isRestoring;
  }
}
