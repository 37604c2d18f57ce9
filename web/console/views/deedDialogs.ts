// Questions that a deed asks before it is done: until when, to whom, with which words.

import { make } from "../../chat/dom";
import type { Colleague } from "../api/types";
import type { DeskSession } from "../session";
import { momentText } from "../texts";
import { makeAction, makeArea, makeFace, makeField, makeForm, showDialog } from "./parts";

const HOUR_MS = 3_600_000;
const MORNING_HOUR = 9;

export function askSnooze(session: DeskSession): void {
  showDialog("Snooze until", (close) => {
    const snooze = (until: Date) => {
      close();
      void session.do({ act: "snooze", until: until.toISOString() }, `Snoozed until ${momentText(until.toISOString())}.`);
    };
    const rows = snoozeChoices(new Date()).map(([label, until], index) =>
      make(
        "button",
        { class: "choice", attributes: { type: "button", autofocus: index === 0 ? "" : null }, onClick: () => snooze(until) },
        make("span", {}, label),
        make("span", { class: "choice-more" }, momentText(until.toISOString())),
      ),
    );
    const own = makeField("Another time", { type: "datetime-local" });
    const form = makeForm({
      submit: "Snooze",
      fields: [own.element],
      onSubmit: async () => {
        const until = new Date(own.control.value);
        if (Number.isNaN(until.getTime()) || until.getTime() <= Date.now()) return "Choose a time that is still to come.";
        snooze(until);
        return null;
      },
    });
    return [make("div", { class: "choices" }, ...rows), form];
  });
}

export function snoozeChoices(now: Date): readonly (readonly [string, Date])[] {
  const morning = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING_HOUR);
  const daysToMonday = (8 - now.getDay()) % 7 || 7;
  return [
    ["In an hour", new Date(now.getTime() + HOUR_MS)],
    ["In four hours", new Date(now.getTime() + 4 * HOUR_MS)],
    ["Tomorrow morning", morning(1)],
    ["Next Monday", morning(daysToMonday)],
  ];
}

export function askAssign(session: DeskSession): void {
  void session.refreshColleagues();
  const detail = session.open?.detail;
  showDialog("Give it to", (close) => {
    const note = makeArea("A word for them, if they should know something", { rows: "2" });
    const give = (to: { readonly staff_id: string } | { readonly skill: string }, done: string) => {
      close();
      const words = note.control.value.trim();
      const isPlain = "staff_id" in to && words === "";
      void session.do(isPlain ? { act: "assign", ...to } : { act: "transfer", ...to, ...(words === "" ? {} : { note: words }) }, done);
    };
    const rows = session.colleagues.map((colleague, index) => {
      const isMe = colleague.staff_id === session.me.staff_id;
      const load = colleague.capacity === null ? `${colleague.open} open` : `${colleague.open} of ${colleague.capacity}`;
      return make(
        "button",
        {
          class: "choice",
          attributes: { type: "button", autofocus: index === 0 ? "" : null },
          onClick: () => give({ staff_id: colleague.staff_id }, isMe ? "It is yours." : `${colleague.name} has it now.`),
        },
        makeFace(colleague.name, { presence: colleague.presence }),
        make("span", {}, isMe ? `${colleague.name} (you)` : colleague.name),
        make("span", { class: "choice-more" }, `${load} · ${colleague.presence}`),
      );
    });
    const skills = listSkills(session.colleagues).map(([skill, online]) =>
      make(
        "button",
        { class: "choice", attributes: { type: "button" }, onClick: () => give({ skill }, `It waits for somebody who knows ${skill}.`) },
        make("span", {}, skill),
        make("span", { class: "choice-more" }, online === 0 ? "nobody online" : `${online} online`),
      ),
    );
    const release =
      detail?.assignee !== null &&
      makeAction({
        label: "Back to the queue",
        icon: "inbox",
        onClick: () => {
          close();
          void session.do({ act: "release" }, "Back in the queue.");
        },
      });
    return [
      make("div", { class: "choices" }, ...rows),
      rows.length === 0 && make("p", { class: "nothing" }, "Nobody else is here yet."),
      skills.length > 0 && make("h3", { class: "label" }, "Or whoever knows"),
      skills.length > 0 && make("div", { class: "choices" }, ...skills),
      note.element,
      release,
    ];
  });
}

/** What anybody here knows, each with how many of them are there now; in order of the alphabet. */
export function listSkills(colleagues: readonly Colleague[]): readonly (readonly [skill: string, online: number])[] {
  const skills = [...new Set(colleagues.flatMap((colleague) => colleague.skills))].sort((one, other) => one.localeCompare(other));
  return skills.map((skill) => [
    skill,
    colleagues.filter((colleague) => colleague.presence === "online" && colleague.skills.includes(skill)).length,
  ]);
}

export function askReturn(session: DeskSession): void {
  showDialog("Give it back to the AI", (close) => {
    const note = makeArea("A word for the assistant, if it should know something", { rows: "3", autofocus: "" });
    return [
      make("p", { class: "dialog-text" }, "The customer is told that the assistant answers again."),
      makeForm({
        submit: "Give it back",
        fields: [note.element],
        onSubmit: async () => {
          close();
          const words = note.control.value.trim();
          await session.do(words === "" ? { act: "return" } : { act: "return", note: words }, "The assistant has it again.");
          return null;
        },
      }),
    ];
  });
}

const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["J / K", "Next, previous conversation"],
  ["T", "Take over, or take it"],
  ["R", "Write a reply"],
  ["N", "Write a note"],
  ["E", "Resolve"],
  ["Z", "Snooze"],
  ["A", "Assign"],
  ["B", "Give it back to the AI"],
  ["D", "Customer and details"],
  ["/", "Search; in an empty reply: canned replies"],
  ["G then I, K, O, S", "Inbox, knowledge, overview, settings"],
  ["Esc", "Leave the field; back to the list"],
  ["?", "This help"],
];

export function showHelp(): void {
  showDialog("Keys", () => [
    make("dl", { class: "keys" }, ...SHORTCUTS.flatMap(([key, words]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)])),
  ]);
}
