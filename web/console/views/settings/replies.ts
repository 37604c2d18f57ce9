// Canned replies: written once, used by everybody.

import { make } from "../../../chat/dom";
import { failureText } from "../../api/http";
import type { CannedReply } from "../../api/types";
import type { DeskSession } from "../../session";
import { askFirst, makeAction, makeArea, makeField, makeForm, showDialog } from "../parts";
import { makeListCard } from "./listCard";

export function drawReplies(session: DeskSession): HTMLElement {
  const add = makeAction({ label: "Write one", icon: "plus", kind: "primary", onClick: () => edit(session, null, () => card.reload()) });
  const card = makeListCard<CannedReply>({
    title: "Canned replies",
    text: "Type / in an empty reply to use one. {name} becomes the customer's name, {agent} yours.",
    empty: "None yet. Write what you say every day once, and never again.",
    add,
    read: () => session.desk.replies(),
    drawRow: (reply, reload) =>
      make(
        "li",
        { class: "list-row" },
        make("code", { class: "reply-shortcut" }, `/${reply.shortcut.replace(/^\//, "")}`),
        make("div", { class: "list-words" }, make("strong", {}, reply.title), make("p", {}, reply.text)),
        make(
          "div",
          { class: "list-actions" },
          makeAction({ label: "Edit", kind: "quiet", onClick: () => edit(session, reply, reload) }),
          makeAction({ label: `Delete ${reply.title}`, icon: "trash", kind: "icon", onClick: () => askRemove(session, reply, reload) }),
        ),
      ),
  });
  return card.element;
}

function askRemove(session: DeskSession, reply: CannedReply, reload: () => void): void {
  askFirst({
    title: "Delete this reply?",
    text: `“${reply.title}” goes for everybody at the desk.`,
    keep: "Keep it",
    deed: "Delete",
    onDeed: () => void remove(session, reply, reload),
  });
}

async function remove(session: DeskSession, reply: CannedReply, reload: () => void): Promise<void> {
  const done = await session.desk.deleteReply(reply.reply_id);
  session.tell(done.ok ? "Deleted." : failureText(done.failure), done.ok ? "good" : "bad");
  void session.refreshReplies();
  reload();
}

function edit(session: DeskSession, reply: CannedReply | null, reload: () => void): void {
  showDialog(reply === null ? "A new reply" : "Change the reply", (close) => {
    const shortcut = makeField("Shortcut", { value: reply?.shortcut ?? "", maxlength: "32", placeholder: "refund", autofocus: "" });
    const title = makeField("Title", { value: reply?.title ?? "", maxlength: "100", placeholder: "How refunds work" });
    const text = makeArea("Text", { rows: "6" });
    text.control.value = reply?.text ?? "";
    const form = makeForm({
      submit: "Save",
      fields: [shortcut.element, title.element, text.element],
      onSubmit: async () => {
        const wanted = {
          shortcut: shortcut.control.value.trim().replace(/^\//, ""),
          title: title.control.value.trim(),
          text: text.control.value.trim(),
        };
        if (wanted.shortcut === "" || wanted.title === "" || wanted.text === "") return "All three are needed.";
        const done =
          reply === null ? await session.desk.addReply(wanted) : await session.desk.changeReply({ ...wanted, reply_id: reply.reply_id });
        if (!done.ok) return failureText(done.failure);
        close();
        void session.refreshReplies();
        reload();
        return null;
      },
    });
    return [form];
  });
}
