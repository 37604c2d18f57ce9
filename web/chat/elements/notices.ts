// What happened to the conversation as a whole: handed to a person, back to the assistant, closed.

import type { EscalationNotice, HandoffNotice, ModeNotice, PersonReply } from "../../protocol/thread";
import { make, makeDots } from "../dom";
import { makeIcon } from "../icons";
import { initialsOf } from "../initials";
import { texts } from "../texts";
import { makeTime } from "./answerView";
import { makeFiles, type SaveFile } from "./files";
import { makeWords } from "./words";

export function makeEscalation(notice: EscalationNotice): HTMLElement {
  return make(
    "section",
    { class: "row escalation", attributes: { "aria-label": texts.escalation } },
    make("span", { class: "escalation-mark" }, makeIcon("person")),
    make(
      "div",
      {},
      make("h3", {}, texts.escalation),
      make("p", {}, texts.escalationText),
      make("p", { class: "ticket" }, `${texts.ticket} `, make("code", {}, notice.ticketId), " · ", makeTime(notice.timestamp)),
    ),
  );
}

export function makePersonReply(reply: PersonReply, save: SaveFile): HTMLElement {
  return make(
    "article",
    { class: "row person-reply", attributes: { "aria-label": texts.personSaid(reply.author) } },
    make("span", { class: "person-mark", attributes: { "aria-hidden": "true" } }, initialsOf(reply.author)),
    make(
      "div",
      {},
      make("p", { class: "person-name" }, reply.author, " ", makeTime(reply.timestamp)),
      makeWords("person-words", reply.content),
      makeFiles(reply.attachments, save),
    ),
  );
}

export function makeHandoff(notice: HandoffNotice): HTMLElement {
  return make("p", { class: "row mode", attributes: { dir: "auto" } }, notice.text);
}

/** Null when there is nothing to tell: the hand-over itself has a notice of its own. */
export function makeModeNotice(notice: ModeNotice): HTMLElement | null {
  switch (notice.status) {
    case "escalated":
      return null;
    case "active":
      return make("p", { class: "row mode" }, texts.modeActive);
    case "ended":
      return make("p", { class: "row mode" }, texts.modeEnded, " ", texts.endedText);
  }
}

export function makePending(): HTMLElement {
  return make("p", { class: "row pending stage" }, makeDots(), texts.thinking);
}

export function makePersonTyping(): HTMLElement {
  return make("p", { class: "row pending stage person-typing" }, makeDots(), texts.personTyping);
}
