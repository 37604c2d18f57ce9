// Accounts of those who work here; for administrators.

import { make } from "../../../chat/dom";
import type { Reply } from "../../../protocol/rest";
import { failureText } from "../../api/http";
import type { Account } from "../../api/types";
import type { DeskSession } from "../../session";
import { momentText } from "../../texts";
import { askFirst, makeAction, makeFace, makeField, makeForm, makePill, makeSelect, showDialog } from "../parts";
import { makeListCard } from "./listCard";

const ROLES = [
  ["operator", "Operator: works the desk"],
  ["admin", "Administrator: also accounts, documents and keys"],
] as const;

export function drawPeople(session: DeskSession): HTMLElement {
  const add = makeAction({ label: "Add somebody", icon: "plus", kind: "primary", onClick: () => askNew(session, () => card.reload()) });
  const card = makeListCard<Account>({
    title: "People",
    text: "Whoever works the desk has an account of their own.",
    empty: "Nobody yet.",
    add,
    read: () => session.staff.accounts(),
    drawRow: (account, reload) => drawAccount(session, account, reload),
  });
  return card.element;
}

function drawAccount(session: DeskSession, account: Account, reload: () => void): HTMLElement {
  const isMe = account.staff_id === session.me.staff_id;
  const finish = (reply: Reply<unknown>, done: string) => {
    session.tell(reply.ok ? done : failureText(reply.failure), reply.ok ? "good" : "bad");
    // To whom a conversation can be given.
    if (reply.ok) void session.refreshColleagues();
    reload();
  };
  const change = async (wanted: Parameters<typeof session.staff.changeAccount>[1], done: string) =>
    finish(await session.staff.changeAccount(account.staff_id, wanted), done);
  const isAdmin = account.role === "admin";
  const seen = account.last_sign_in_at === null ? "never signed in" : `last signed in ${momentText(account.last_sign_in_at)}`;
  return make(
    "li",
    { class: "list-row", attributes: { "data-off": String(account.disabled) } },
    makeFace(account.name),
    make(
      "div",
      { class: "list-words" },
      make("strong", {}, isMe ? `${account.name} (you)` : account.name),
      make("p", {}, `${account.email} · ${seen}`),
      account.skills.length > 0 && make("p", {}, `Knows ${account.skills.join(", ")}`),
    ),
    makePill(isAdmin ? "Administrator" : "Operator", isAdmin ? "assigned" : "quiet"),
    account.totp_enabled && makePill("Codes", "good"),
    account.disabled && makePill("Disabled", "late"),
    make(
      "div",
      { class: "list-actions" },
      makeAction({ label: "Skills", kind: "quiet", onClick: () => askSkills(account, (wanted) => change(wanted, "Changed.")) }),
      !isMe &&
        makeAction({
          label: isAdmin ? "Make operator" : "Make administrator",
          kind: "quiet",
          onClick: () => askRole(account, (wanted) => change(wanted, "Changed.")),
        }),
      !isMe && makeAction({ label: "New password", kind: "quiet", onClick: () => askReset(session, account, reload) }),
      !isMe &&
        makeAction({
          label: account.disabled ? "Enable" : "Disable",
          kind: "quiet",
          onClick: () =>
            account.disabled
              ? void change({ disabled: false }, "Enabled.")
              : askDisable(account, (wanted) => change(wanted, "Disabled, and signed out.")),
        }),
    ),
  );
}

function askSkills(account: Account, change: (wanted: { skills: string[]; capacity: number }) => Promise<void>): void {
  showDialog(`What ${account.name} takes`, (close) => {
    const skills = makeField(
      "Skills",
      { value: account.skills.join(", "), placeholder: "billing, returns", autofocus: "", autocomplete: "off" },
      "With commas in between. Conversations can be given to whoever has a skill.",
    );
    const capacity = makeField("Conversations at once", { type: "number", min: "0", max: "1000", value: String(account.capacity) });
    const form = makeForm({
      submit: "Save",
      fields: [skills.element, capacity.element],
      onSubmit: async () => {
        if (capacity.control.value === "" || !capacity.control.checkValidity()) return "Choose a number from 0 to 1,000.";
        const names = skills.control.value.split(",").map((name) => name.trim());
        close();
        await change({ skills: [...new Set(names.filter((name) => name !== ""))], capacity: Number(capacity.control.value) });
        return null;
      },
    });
    return [form];
  });
}

function askReset(session: DeskSession, account: Account, reload: () => void): void {
  const lost = make("input", { attributes: { type: "checkbox" } });
  askFirst({
    title: `A new password for ${account.name}`,
    text: "It is made up, and shown to you once. The present one is good for nothing then, and they are signed out everywhere.",
    more: account.totp_enabled && make("label", { class: "check" }, lost, "Switch their codes off, too: their authenticator is lost"),
    keep: "Leave it as it is",
    deed: "Make a new password",
    onDeed: () => void reset(session, account, { withoutTotp: lost.checked }).then(reload),
  });
}

async function reset(session: DeskSession, account: Account, { withoutTotp }: { withoutTotp: boolean }): Promise<void> {
  const reply = await session.staff.resetPassword(account.staff_id, { withoutTotp });
  if (reply.ok)
    showSecret(
      "A new password",
      `For ${account.email}. It is shown only now; they choose their own after signing in.`,
      reply.value.password,
    );
  else session.tell(failureText(reply.failure), "bad");
}

function askRole(account: Account, change: (wanted: Pick<Account, "role">) => Promise<void>): void {
  const isAdmin = account.role === "admin";
  askFirst({
    title: isAdmin ? `Make ${account.name} an operator?` : `Make ${account.name} an administrator?`,
    text: isAdmin
      ? "They can change accounts, keys and documents no more. They are signed out, and sign in again."
      : "They can then make and disable accounts, make keys, change documents and read the audit log. They are signed out, and sign in again.",
    keep: "Leave it as it is",
    deed: isAdmin ? "Make operator" : "Make administrator",
    onDeed: () => void change({ role: isAdmin ? "operator" : "admin" }),
  });
}

function askDisable(account: Account, change: (wanted: { disabled: boolean }) => Promise<void>): void {
  askFirst({
    title: `Disable ${account.name}?`,
    text: "They are signed out at once, and cannot sign in until you enable the account again. What they have stays theirs: give it to others.",
    keep: "Leave it as it is",
    deed: "Disable",
    onDeed: () => void change({ disabled: true }),
  });
}

export function showSecret(title: string, text: string, secret: string): void {
  showDialog(title, (close) => [
    make("p", { class: "dialog-text" }, text),
    make("p", { class: "secret" }, make("code", {}, secret)),
    make("div", { class: "form-buttons" }, makeAction({ label: "I have kept it", icon: "check", kind: "primary", onClick: close })),
  ]);
}

function askNew(session: DeskSession, reload: () => void): void {
  showDialog("Add somebody", (close) => {
    const email = makeField("E-mail", { type: "email", autofocus: "", autocomplete: "off" });
    const name = makeField("Name", { maxlength: "100", autocomplete: "off" });
    const role = makeSelect("May do", ROLES, "operator");
    const form = makeForm({
      submit: "Add",
      fields: [email.element, name.element, role.element],
      onSubmit: async () => {
        const wanted = { email: email.control.value.trim(), name: name.control.value.trim(), role: role.control.value };
        if (wanted.email === "" || wanted.name === "") return "E-mail and name are needed.";
        const reply = await session.staff.addAccount(wanted);
        if (!reply.ok) return failureText(reply.failure);
        close();
        reload();
        if (reply.value.password !== null)
          showSecret(
            "Their first password",
            `Give it to ${wanted.name}. It is shown only now; they choose their own after signing in.`,
            reply.value.password,
          );
        return null;
      },
    });
    return [form];
  });
}
