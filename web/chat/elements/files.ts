// The files that came with a message: named, never opened here.

import type { Attachment } from "../../protocol/events";
import { make } from "../dom";
import { makeIcon } from "../icons";
import { bytesText } from "../texts";

/** Null when there are none. */
export function makeFiles(attachments: readonly Attachment[]): HTMLElement | null {
  if (attachments.length === 0) return null;
  const files = attachments.map((attachment) => make("li", { class: "chip" }, makeIcon("file"), ...words(attachment)));
  return make("ul", { class: "chips" }, ...files);
}

function words(attachment: Attachment): readonly HTMLElement[] {
  const name = make("span", { class: "chip-name" }, attachment.filename);
  return attachment.size_bytes > 0 ? [name, make("span", { class: "chip-size" }, bytesText(attachment.size_bytes))] : [name];
}
