// The files that came with a message: named, never opened here; those of the other side can be saved.

import type { Attachment } from "../../protocol/events";
import { make } from "../dom";
import { makeIcon } from "../icons";
import { bytesText, texts } from "../texts";

/** Returns whether it was saved. */
export type SaveFile = (attachment: Attachment) => Promise<boolean>;

/** Null when there are none. Without `save` they are only named. */
export function makeFiles(attachments: readonly Attachment[], save: SaveFile | null): HTMLElement | null {
  if (attachments.length === 0) return null;
  return make("ul", { class: "chips" }, ...attachments.map((attachment) => make("li", {}, makeChip(attachment, save))));
}

function makeChip(attachment: Attachment, save: SaveFile | null): HTMLElement {
  const size = make("span", { class: "chip-size" }, attachment.size_bytes > 0 ? bytesText(attachment.size_bytes) : "");
  const parts = [makeIcon("file"), make("span", { class: "chip-name" }, attachment.filename), size];
  if (save === null) return make("span", { class: "chip" }, ...parts);
  const onClick = () => void save(attachment).then((isSaved) => !isSaved && size.replaceChildren(texts.saveFailed));
  return make(
    "button",
    { class: "chip", attributes: { type: "button", "aria-label": texts.saveFile(attachment.filename) }, onClick },
    ...parts,
    makeIcon("save"),
  );
}
