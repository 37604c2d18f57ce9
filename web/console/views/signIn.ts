// The door: e-mail and password, and the code of the authenticator app when the account has one.

import { make } from "../../chat/dom";
import { failureText } from "../api/http";
import type { StaffApi } from "../api/staff";
import { makeIcon } from "../icons";
import { makeField, makeForm } from "./parts";

const REFUSALS: Readonly<Record<string, string>> = {
  not_admitted: "You have no account here, or no role that may work here. Ask whoever looks after this desk.",
  single_sign_on_failed: "The sign-in was not completed. Try it again.",
  identity_provider_down: "The identity provider cannot be reached. Try again in a moment, or sign in with your password.",
  last_admin: "Your role at the provider would leave nobody to look after this desk. Sign in with your password.",
};

/** `refusal`: the code with which the identity provider's way in ended, if it was tried. */
export function drawSignIn(staff: StaffApi, onSignedIn: () => void, refusal: string | null): HTMLElement {
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
      drawRefusal(refusal),
      form,
      drawOtherWay(staff),
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

function drawRefusal(code: string | null): HTMLElement | null {
  if (code === null) return null;
  return make("p", { class: "problem", attributes: { role: "alert" } }, REFUSALS[code] ?? "The sign-in at the provider was refused.");
}

/** Fills itself once the server has said whether there is one. */
function drawOtherWay(staff: StaffApi): HTMLElement {
  const place = make("div", { class: "door-other", attributes: { hidden: "" } });
  void staff.signInOptions().then((reply) => {
    if (!reply.ok || reply.value.oidc === null) return;
    const { name, path } = reply.value.oidc;
    place.replaceChildren(
      make("p", { class: "door-or" }, "or"),
      make("a", { class: "act act-plain", attributes: { href: path } }, makeIcon("key"), make("span", {}, `Sign in with ${name}`)),
    );
    place.hidden = false;
  });
  return place;
}
