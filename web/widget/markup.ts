// The panel's elements, which its parts find by id, and its styles. Both are made by script: a page may forbid everything inline.

import { findRequired, make } from "../chat/dom";
import composer from "../chat/styles/composer.css?inline";
import feedback from "../chat/styles/feedback.css?inline";
import page from "../chat/styles/page.css?inline";
import prose from "../chat/styles/prose.css?inline";
import shared from "../chat/styles/shared.css?inline";
import thread from "../chat/styles/thread.css?inline";
import tokens from "../chat/styles/tokens.css?inline";
import { texts } from "../chat/texts";
import panel from "./styles/panel.css?inline";
import { widgetTexts } from "./widgetTexts";

export function useStyles(root: ShadowRoot): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([tokens, shared, page, thread, prose, composer, feedback, panel].join("\n"));
  // Behind the launcher's own, which knows the company's colour.
  root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets];
}

export function drawMarkup({ language, direction }: { language: string; direction: "ltr" | "rtl" }): HTMLElement {
  return make(
    "section",
    { class: "panel", attributes: { role: "dialog", "aria-label": texts.assistant, tabindex: "-1", lang: language, dir: direction } },
    drawTop(),
    make(
      "div",
      { class: "scroll", attributes: { id: "scroll", tabindex: "0", role: "group", "aria-label": widgetTexts.words.conversation } },
      make(
        "div",
        { attributes: { id: "content" } },
        make("section", { class: "welcome", attributes: { id: "welcome", hidden: "" } }),
        make("p", { class: "restoring", attributes: { id: "restoring", hidden: "" } }, widgetTexts.words.restoring),
        make("div", { class: "unavailable", attributes: { id: "unavailable", role: "status", hidden: "" } }),
        make("div", {
          class: "log",
          attributes: { id: "log", role: "log", "aria-live": "off", "aria-label": widgetTexts.words.conversation },
        }),
        make("section", { class: "rating", attributes: { id: "rating", "aria-label": texts.ratingQuestion, hidden: "" } }),
      ),
    ),
    drawBottom(),
    make("div", { class: "visually-hidden", attributes: { id: "announcements", "aria-live": "polite" } }),
  );
}

function drawTop(): HTMLElement {
  const connection = make("span", { class: "connection", attributes: { id: "connection", "data-state": "connecting", role: "status" } });
  return make(
    "div",
    { class: "top" },
    make(
      "div",
      { class: "top-inner" },
      make(
        "div",
        { class: "who" },
        make("h2", { attributes: { id: "company" } }, texts.assistant),
        make("p", { class: "status" }, connection),
      ),
      make("div", { class: "top-actions", attributes: { id: "actions" } }),
    ),
    make("p", { class: "banner", attributes: { id: "banner", role: "status", hidden: "" } }),
  );
}

function drawBottom(): HTMLElement {
  const { words } = widgetTexts;
  const button = (id: string, kind: string, name: string, label: string, ...children: string[]) =>
    make(
      "button",
      { class: name, attributes: { id, type: kind, title: label, "aria-label": label } },
      ...children.map((child) => make("span", {}, child)),
    );
  const form = make(
    "form",
    { class: "composer", attributes: { id: "composer", autocomplete: "off" } },
    make("ul", { class: "chips tray", attributes: { id: "tray", "aria-label": words.filesToSend, hidden: "" } }),
    make(
      "div",
      { class: "field" },
      make("input", { attributes: { id: "files", type: "file", hidden: "", tabindex: "-1", "aria-hidden": "true" } }),
      button("attach", "button", "round", words.attach),
      make("textarea", {
        attributes: {
          id: "message",
          rows: "1",
          "aria-label": words.message,
          placeholder: texts.placeholder,
          "aria-describedby": "hint count",
          enterkeyhint: "send",
        },
      }),
      make(
        "button",
        { class: "stop", attributes: { id: "stop", type: "button", title: texts.stop, hidden: "" } },
        make("span", {}, texts.stop),
      ),
      button("send", "submit", "round send", texts.send),
    ),
  );
  const hint = make(
    "p",
    { class: "hint" },
    make("span", { class: "visually-hidden", attributes: { id: "hint" } }, words.hint),
    " ",
    make("span", { attributes: { id: "count", role: "status", hidden: "" } }),
  );
  const latest = make("button", { class: "latest", attributes: { id: "latest", type: "button", hidden: "" } }, words.latest);
  return make("div", { class: "bottom" }, make("div", { class: "column" }, latest, form, hint));
}

/** An element of the panel, before and after it hangs in the shadow tree. */
export function findIn<Kind extends Element>(panel: HTMLElement, id: string, kind: new () => Kind): Kind {
  return findRequired(id, kind, asRoot(panel));
}

export function asRoot(panel: HTMLElement): NonElementParentNode {
  return { getElementById: (id: string) => panel.querySelector<HTMLElement>(`#${CSS.escape(id)}`) };
}
