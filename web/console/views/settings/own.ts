// The own profile, and how one wants to be told.

import { make } from "../../../chat/dom";
import { failureText } from "../../api/http";
import type { Notifier } from "../../notifier";
import type { DeskSession } from "../../session";
import { makeAction, makeField, makeForm } from "../parts";

export function drawProfile(session: DeskSession, onSignOut: () => void): HTMLElement {
  const name = makeField(
    "Name",
    { value: session.me.name, maxlength: "100", autocomplete: "name" },
    "Customers and colleagues read this name.",
  );
  const email = makeField(
    "E-mail",
    { value: session.me.email ?? "", disabled: "" },
    session.me.role === "admin" ? "You are an administrator." : "You are an operator.",
  );
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Profile"),
    makeForm({
      submit: "Save",
      more: [makeAction({ label: "Sign out", icon: "leave", kind: "quiet", onClick: onSignOut })],
      fields: [name.element, email.element],
      onSubmit: async () => {
        const wanted = name.control.value.trim();
        if (wanted === "") return "A name is needed.";
        const reply = await session.staff.changeMe({ name: wanted });
        if (!reply.ok) return failureText(reply.failure);
        session.rename(wanted);
        session.tell("Saved.", "good");
        return null;
      },
    }),
  );
}

export function drawNotifications(notifier: Notifier): HTMLElement {
  const denied = make(
    "p",
    { class: "problem", attributes: { role: "alert", hidden: "" } },
    "The browser does not allow notifications for this page. Allow them in its settings, then try again.",
  );
  const sound = makeSwitch(
    "Play a soft sound",
    "When a customer waits, replies to you, or has waited too long.",
    notifier.hasSound,
    (isOn) => notifier.setSound(isOn),
  );
  const desktop = makeSwitch(
    "Show browser notifications",
    "Only while you look elsewhere, and never with a customer's words.",
    notifier.hasNotifications,
    (isOn, control) => {
      void notifier.setNotifications(isOn).then((isAllowed) => {
        control.checked = isAllowed;
        denied.hidden = !isOn || isAllowed;
      });
    },
  );
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Notifications"),
    make("p", { class: "card-text" }, "These are kept in this browser only."),
    sound,
    desktop,
    denied,
  );
}

function makeSwitch(label: string, hint: string, isOn: boolean, onChange: (isOn: boolean, control: HTMLInputElement) => void): HTMLElement {
  const control = make("input", { class: "switch", attributes: { type: "checkbox", role: "switch" } });
  control.checked = isOn;
  control.addEventListener("change", () => onChange(control.checked, control));
  return make(
    "label",
    { class: "switch-row" },
    make("span", {}, make("strong", {}, label), make("span", { class: "field-hint" }, hint)),
    control,
  );
}
