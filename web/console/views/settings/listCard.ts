// A card with a list that is read from the server, and read again after each change.

import { make } from "../../../chat/dom";
import type { Reply } from "../../../protocol/rest";
import { failureText } from "../../api/http";
import { type Child, makeAction } from "../parts";

export interface ListCard {
  readonly element: HTMLElement;
  reload(): void;
}

export function makeListCard<Item>(options: {
  readonly title: string;
  readonly text: string;
  readonly empty: string;
  readonly add: Child;
  readonly read: () => Promise<Reply<readonly Item[]>>;
  readonly drawRow: (item: Item, reload: () => void) => HTMLElement;
}): ListCard {
  const list = make("ul", { class: "rows" });
  const status = make("p", { class: "nothing", attributes: { role: "status" } }, "Loading…");
  const reload = () => void read();
  async function read(): Promise<void> {
    const reply = await options.read();
    if (!reply.ok) {
      status.hidden = false;
      status.replaceChildren(failureText(reply.failure), " ", makeAction({ label: "Try again", kind: "quiet", onClick: reload }));
      return;
    }
    status.hidden = reply.value.length > 0;
    status.textContent = options.empty;
    list.replaceChildren(...reply.value.map((item) => options.drawRow(item, reload)));
  }
  reload();
  const element = make(
    "section",
    { class: "card card-wide" },
    make(
      "header",
      { class: "card-head" },
      make("div", {}, make("h2", {}, options.title), make("p", { class: "card-text" }, options.text)),
      options.add,
    ),
    status,
    list,
  );
  return { element, reload };
}
