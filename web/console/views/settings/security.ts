// The own password, and codes of an authenticator app.

import { make } from "../../../chat/dom";
import { failureText } from "../../api/http";
import type { DeskSession } from "../../session";
import { makeAction, makeField, makeForm } from "../parts";
import { drawQrCode } from "../qrCode";

export function drawSecurity(session: DeskSession): HTMLElement {
  const totp = make("section", { class: "card" });
  drawTotp(session, totp);
  return make("div", { class: "cards" }, drawPassword(session), totp);
}

function drawPassword(session: DeskSession): HTMLElement {
  const current = makeField("Present password", { type: "password", autocomplete: "current-password" });
  const fresh = makeField(
    "New password",
    { type: "password", autocomplete: "new-password" },
    "At least 12 characters. Three or four words that have nothing to do with each other are good.",
  );
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Password"),
    session.me.password_is_temporary && make("p", { class: "card-note" }, "Your password was made up by somebody else. Choose your own."),
    makeForm({
      submit: "Change the password",
      fields: [current.element, fresh.element],
      onSubmit: async () => {
        if (current.control.value === "" || fresh.control.value === "") return "Enter both.";
        const reply = await session.staff.changeMe({ password: fresh.control.value, current_password: current.control.value });
        if (!reply.ok) return failureText(reply.failure);
        current.control.value = "";
        fresh.control.value = "";
        session.tell("Changed. Your other sessions were ended.", "good");
        return null;
      },
    }),
  );
}

function drawTotp(session: DeskSession, card: HTMLElement): void {
  const title = make("h2", {}, "Codes of an authenticator app");
  if (session.me.totp_enabled) {
    const password = makeField("Your password", { type: "password", autocomplete: "current-password" });
    const form = makeForm({
      submit: "Switch codes off",
      fields: [password.element],
      onSubmit: async () => {
        const reply = await session.staff.endTotp(password.control.value);
        if (!reply.ok) return failureText(reply.failure);
        session.setTotp(false);
        drawTotp(session, card);
        return null;
      },
    });
    card.replaceChildren(title, make("p", { class: "card-text" }, "On: signing in asks for a code."), form);
    return;
  }
  const begin = makeAction({ label: "Set it up", icon: "key", onClick: () => void beginTotp(session, card) });
  card.replaceChildren(title, make("p", { class: "card-text" }, "A stolen password is then not enough to sign in."), begin);
}

async function beginTotp(session: DeskSession, card: HTMLElement): Promise<void> {
  const reply = await session.staff.beginTotp();
  if (!reply.ok) {
    session.tell(failureText(reply.failure), "bad");
    return;
  }
  const code = makeField("Code that the app shows", { inputmode: "numeric", autocomplete: "one-time-code", maxlength: "8" });
  card.replaceChildren(
    make("h2", {}, "Codes of an authenticator app"),
    make("p", { class: "card-text" }, "Point your app's camera at this, or enter the key below."),
    await drawQrCode(reply.value.otpauth_url, "The key as a QR code, for your authenticator app"),
    make("p", { class: "secret" }, make("code", {}, (reply.value.secret.match(/.{1,4}/g) ?? []).join(" "))),
    make("p", { class: "card-text" }, make("a", { attributes: { href: reply.value.otpauth_url } }, "Open in an app on this device")),
    makeForm({
      submit: "Confirm",
      fields: [code.element],
      onSubmit: async () => {
        const confirmed = await session.staff.confirmTotp(code.control.value.replaceAll(" ", ""));
        if (!confirmed.ok) return failureText(confirmed.failure);
        session.setTotp(true);
        showRecovery(session, card, confirmed.value.recovery_codes);
        return null;
      },
    }),
  );
}

function showRecovery(session: DeskSession, card: HTMLElement, codes: readonly string[]): void {
  card.replaceChildren(
    make("h2", {}, "Keep these"),
    make("p", { class: "card-text" }, "Each is good for one sign-in without the app. They are shown only now."),
    make("ul", { class: "secret recovery" }, ...codes.map((code) => make("li", {}, make("code", {}, code)))),
    makeAction({ label: "I have kept them", icon: "check", kind: "primary", onClick: () => drawTotp(session, card) }),
  );
}
