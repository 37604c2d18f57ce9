// The door: e-mail and password, and the code of the authenticator app when the account has one.

import { make } from "../../chat/dom";
import { failureText } from "../api/http";
import type { StaffApi } from "../api/staff";
import { makeField, makeForm } from "./parts";

export function drawSignIn(staff: StaffApi, onSignedIn: () => void): HTMLElement {
  const email = makeField("E-mail", { type: "email", autocomplete: "username", required: "", autofocus: "", spellcheck: "false" });
  const password = makeField("Password", { type: "password", autocomplete: "current-password", required: "" });
  const code = makeField(
    "Code",
    { inputmode: "numeric", autocomplete: "one-time-code", maxlength: "32" },
    "The six digits that your authenticator app shows now, or a recovery code.",
  );
  code.element.hidden = true;
  const form = makeForm({
    submit: "Sign in",
    fields: [email.element, password.element, code.element],
    onSubmit: async () => {
      if (email.control.value.trim() === "" || password.control.value === "") return "Enter your e-mail address and your password.";
      const entered = code.control.value.replaceAll(" ", "");
      const reply = await staff.signIn({
        email: email.control.value.trim(),
        password: password.control.value,
        ...(code.element.hidden || entered === "" ? {} : { code: entered }),
      });
      if (reply.ok) {
        onSignedIn();
        return null;
      }
      if (reply.failure.kind === "refused" && reply.failure.code === "code_required") {
        const isFirst = code.element.hidden;
        code.element.hidden = false;
        code.control.focus();
        return isFirst ? null : failureText(reply.failure);
      }
      return failureText(reply.failure);
    },
  });
  return make(
    "main",
    { class: "door" },
    make(
      "div",
      { class: "door-card" },
      make("span", { class: "door-mark", attributes: { "aria-hidden": "true" } }, "D"),
      make("h1", {}, "Welcome back"),
      make("p", { class: "door-text" }, "Sign in to see who needs you."),
      form,
    ),
    make(
      "p",
      { class: "door-foot" },
      "First time here? The server printed the first account when it started; or run ",
      make("code", {}, "deskhand staff create --admin you@company.com"),
      ".",
    ),
  );
}
