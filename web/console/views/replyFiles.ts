// The files that go with the next reply: chosen, shown, taken back. The server says what it does not take.

import { make } from "../../chat/dom";
import { bytesText } from "../../chat/texts";
import { makeIcon } from "../icons";
import { makeAction } from "./parts";

export class ReplyFiles {
  readonly element = make("ul", { class: "reply-files", attributes: { "aria-label": "Files to send", hidden: "" } });
  readonly button = makeAction({ label: "Attach files", icon: "attach", kind: "icon", onClick: () => this.picker.click() });
  readonly picker = make("input", { attributes: { type: "file", multiple: "", hidden: "", "aria-label": "Files to attach" } });
  private chosen: readonly File[] = [];

  constructor() {
    this.picker.addEventListener("change", () => {
      this.change([...this.chosen, ...(this.picker.files ?? [])]);
      // The same file can be chosen again after it was taken back.
      this.picker.value = "";
    });
  }

  get files(): readonly File[] {
    return this.chosen;
  }

  clear(): void {
    this.change([]);
  }

  /** These are on their way; others that were chosen meanwhile stay. */
  drop(sent: readonly File[]): void {
    this.change(this.chosen.filter((file) => !sent.includes(file)));
  }

  private change(files: readonly File[]): void {
    this.chosen = files;
    this.element.hidden = files.length === 0;
    this.element.replaceChildren(
      ...files.map((file) =>
        make(
          "li",
          { class: "tag" },
          makeIcon("file"),
          `${file.name} · ${bytesText(file.size)}`,
          make(
            "button",
            {
              attributes: { type: "button", "aria-label": `Remove ${file.name}` },
              onClick: () => this.change(this.chosen.filter((other) => other !== file)),
            },
            makeIcon("close"),
          ),
        ),
      ),
    );
  }
}
