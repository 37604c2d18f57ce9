// Keys of programs that use the API; for administrators.

import { make } from "../../../chat/dom";
import { failureText } from "../../api/http";
import type { ApiKey } from "../../api/types";
import type { DeskSession } from "../../session";
import { momentText } from "../../texts";
import { askFirst, makeAction, makeField, makeForm, makePill, showDialog } from "../parts";
import { makeListCard } from "./listCard";
import { showSecret } from "./people";

const SCOPES = [
  ["desk", "Work the desk"],
  ["sessions", "Open and read sessions"],
  ["knowledge:read", "Read documents"],
  ["knowledge", "Change documents"],
  ["staff", "Manage accounts and keys"],
] as const;

export function drawKeys(session: DeskSession): HTMLElement {
  const add = makeAction({ label: "Make a key", icon: "plus", kind: "primary", onClick: () => askNew(session, () => card.reload()) });
  const card = makeListCard<ApiKey>({
    title: "API keys",
    text: "For programs. Each may do only what you choose here.",
    empty: "No key was made yet.",
    add,
    read: () => session.staff.keys(),
    drawRow: (key, reload) => drawKey(session, key, reload),
  });
  return card.element;
}

function drawKey(session: DeskSession, key: ApiKey, reload: () => void): HTMLElement {
  const used = key.last_used_at === null ? "never used" : `last used ${momentText(key.last_used_at)}`;
  const revoke = async () => {
    const reply = await session.staff.deleteKey(key.key_id);
    session.tell(reply.ok ? "Revoked. It is good for nothing now." : failureText(reply.failure), reply.ok ? "good" : "bad");
    reload();
  };
  return make(
    "li",
    { class: "list-row", attributes: { "data-off": String(key.revoked_at !== null) } },
    make("div", { class: "list-words" }, make("strong", {}, key.name), make("p", {}, `${key.hint} · ${key.scopes.join(", ")} · ${used}`)),
    key.revoked_at === null
      ? makeAction({ label: "Revoke", kind: "quiet", onClick: () => askRevoke(key, revoke) })
      : makePill("Revoked", "late"),
  );
}

function askRevoke(key: ApiKey, revoke: () => Promise<void>): void {
  askFirst({
    title: "Revoke this key?",
    text: `“${key.name}” is good for nothing from then on: the program that uses it stops working.`,
    keep: "Keep it",
    deed: "Revoke",
    onDeed: () => void revoke(),
  });
}

function askNew(session: DeskSession, reload: () => void): void {
  showDialog("Make a key", (close) => {
    const name = makeField("What it is for", { maxlength: "100", placeholder: "Nightly import", autofocus: "" });
    const boxes = SCOPES.map(([scope, text]) => {
      const box = make("input", { attributes: { type: "checkbox", value: scope } });
      return { box, element: make("label", { class: "check" }, box, text) };
    });
    const form = makeForm({
      submit: "Make it",
      fields: [
        name.element,
        make("fieldset", { class: "checks" }, make("legend", { class: "label" }, "It may"), ...boxes.map(({ element }) => element)),
      ],
      onSubmit: async () => {
        const scopes = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
        if (name.control.value.trim() === "" || scopes.length === 0)
          return "Say what it is for, and choose at least one thing that it may do.";
        const reply = await session.staff.addKey(name.control.value.trim(), scopes);
        if (!reply.ok) return failureText(reply.failure);
        close();
        reload();
        showSecret("The new key", "It is shown only now. Keep it where the program finds it.", reply.value.key);
        return null;
      },
    });
    return [form];
  });
}
