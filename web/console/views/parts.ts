// Small pieces that several views draw: faces, pills, fields, dialogs, states of emptiness.

import { make, makeButton } from "../../chat/dom";
import { initialsOf } from "../../chat/initials";
import { type IconName, makeIcon } from "../icons";
import { dueText } from "../texts";

export type Child = Node | string | null | undefined | false;

export function makeFace(name: string, options: { readonly color?: string | undefined; readonly presence?: string } = {}): HTMLElement {
  const face = make("span", { class: "face", attributes: { "aria-hidden": "true", "data-tone": String(toneOf(name)) } }, initialsOf(name));
  if (options.presence !== undefined) face.append(make("i", { class: "presence-dot", attributes: { "data-presence": options.presence } }));
  return face;
}

/** One of six, always the same for the same name. */
function toneOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % 6;
}

export function makePill(text: string, kind: string, icon?: IconName): HTMLElement {
  return make("span", { class: "pill", attributes: { "data-kind": kind } }, icon === undefined ? null : makeIcon(icon), text);
}

/** How long until something should have been done, as of now: whoever shows it winds it up again. */
export function makeDueClock(what: string, dueAt: string): HTMLTimeElement {
  const clock = make("time", { class: "pill due-clock", attributes: { datetime: dueAt, "data-what": what } });
  windDueClock(clock);
  return clock;
}

export function windDueClock(clock: HTMLTimeElement): void {
  const now = Date.now();
  clock.textContent = dueText(clock.dataset["what"] ?? "", clock.dateTime, now);
  clock.dataset["kind"] = Date.parse(clock.dateTime) < now ? "late" : "quiet";
}

export function makeAction(options: {
  readonly label: string;
  readonly icon?: IconName;
  readonly key?: string;
  readonly kind?: "primary" | "quiet" | "icon" | "danger";
  readonly onClick: () => void;
}): HTMLButtonElement {
  const kind = options.kind ?? "plain";
  const button = makeButton({
    class: `act act-${kind}`,
    label: options.label,
    ...(options.icon === undefined ? {} : { icon: makeIcon(options.icon) }),
    isLabelHidden: kind === "icon",
    onClick: options.onClick,
  });
  if (options.key !== undefined) {
    button.setAttribute("aria-keyshortcuts", options.key);
    button.title = `${options.label} (${options.key})`;
    if (kind !== "icon") button.append(make("kbd", { attributes: { "aria-hidden": "true" } }, options.key));
  }
  return button;
}

export interface Field<Control extends HTMLElement = HTMLInputElement> {
  readonly element: HTMLElement;
  readonly control: Control;
}

let fieldNumber = 0;

export function makeField(label: string, attributes: Readonly<Record<string, string>> = {}, hint?: string): Field {
  const control = make("input", { class: "input", attributes: { type: "text", ...attributes } });
  return { element: wrapField(label, control, hint), control };
}

export function makeArea(label: string, attributes: Readonly<Record<string, string>> = {}, hint?: string): Field<HTMLTextAreaElement> {
  const control = make("textarea", { class: "input", attributes });
  return { element: wrapField(label, control, hint), control };
}

export function makeSelect(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  chosen: string,
): Field<HTMLSelectElement> {
  const control = make(
    "select",
    { class: "input" },
    ...options.map(([value, text]) => make("option", { attributes: { value, selected: value === chosen ? "" : null } }, text)),
  );
  return { element: wrapField(label, control), control };
}

function wrapField(label: string, control: HTMLElement, hint?: string): HTMLElement {
  fieldNumber += 1;
  control.id = `field-${fieldNumber}`;
  const words = make("label", { class: "label", attributes: { for: control.id } }, label);
  if (hint === undefined) return make("div", { class: "form-field" }, words, control);
  const help = make("p", { class: "field-hint", attributes: { id: `hint-${fieldNumber}` } }, hint);
  control.setAttribute("aria-describedby", help.id);
  return make("div", { class: "form-field" }, words, control, help);
}

export function makeEmpty(icon: IconName, title: string, text: string, ...more: readonly Child[]): HTMLElement {
  return make(
    "div",
    { class: "empty" },
    make("span", { class: "empty-mark", attributes: { "aria-hidden": "true" } }, makeIcon(icon)),
    make("h2", {}, title),
    make("p", {}, text),
    ...more,
  );
}

/** A dialog that is there until it is closed, and gives the focus back. `build` gets the way to close it. */
export function showDialog(title: string, build: (close: () => void) => readonly Child[]): void {
  const dialog = make("dialog", { class: "dialog", attributes: { "aria-labelledby": "dialog-title" } });
  const close = () => dialog.close();
  dialog.append(
    make(
      "header",
      { class: "dialog-head" },
      make("h2", { attributes: { id: "dialog-title" } }, title),
      makeAction({ label: "Close", icon: "close", kind: "icon", onClick: close }),
    ),
    ...build(close).filter((child) => child !== null && child !== undefined && child !== false),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("[autofocus]")?.focus();
}

/** Before what cannot be taken back, or not by those whom it befalls: says what comes of it. The safe way has the focus. */
export function askFirst(options: {
  readonly title: string;
  readonly text: string;
  readonly more?: Child;
  readonly keep: string;
  readonly deed: string;
  readonly onDeed: () => void;
}): void {
  showDialog(options.title, (close) => {
    const keep = makeAction({ label: options.keep, onClick: close });
    keep.autofocus = true;
    const onClick = () => {
      close();
      options.onDeed();
    };
    return [
      make("p", { class: "dialog-text" }, options.text),
      options.more,
      make("div", { class: "form-buttons" }, keep, makeAction({ label: options.deed, kind: "danger", onClick })),
    ];
  });
}

/** A form that asks the server: says what is wrong in its own place, and cannot be sent twice at once. */
export function makeForm(options: {
  readonly submit: string;
  readonly fields: readonly Child[];
  /** Returns what went wrong, or null. */
  readonly onSubmit: () => Promise<string | null>;
  readonly more?: readonly Child[];
}): HTMLFormElement {
  const problem = make("p", { class: "problem", attributes: { role: "alert", hidden: "" } });
  const button = make("button", { class: "act act-primary", attributes: { type: "submit" } }, options.submit);
  const form = make(
    "form",
    { class: "form", attributes: { novalidate: "" } },
    ...options.fields,
    problem,
    make("div", { class: "form-buttons" }, ...(options.more ?? []), button),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    void options.onSubmit().then((wrong) => {
      button.disabled = false;
      problem.hidden = wrong === null;
      problem.textContent = wrong;
    });
  });
  return form;
}
