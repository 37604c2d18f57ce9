// What a person wrote, as they wrote it: in its own direction, and only its addresses become links.

import { splitAddresses } from "../../markdown/links";
import { make } from "../dom";
import { makeOutsideLink } from "./markdownView";

export function makeWords(style: string, text: string): HTMLElement {
  const parts = splitAddresses(text).map((part) => (part.target === null ? part.text : makeOutsideLink(part.target.href, part.text)));
  return make("p", { class: style, attributes: { dir: "auto" } }, ...parts);
}
