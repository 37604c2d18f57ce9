// Which addresses a page may lead to. One place decides; everything else is shown as text.

import type { LinkTarget } from "./ast";

/** An address as it stands in a text, maybe with punctuation that is the sentence's. For `exec` at a place. */
export const BARE_ADDRESS = /(?:https:\/\/|mailto:)[^\s<>"`]{1,2048}/y;

const LONGEST_ADDRESS = 2048;
const TRAILING_PUNCTUATION = /[.,;:!?'*_~\])]/;
const MAIL_ADDRESS = /^[^\s@<>"'?&%]+@[^\s@<>"'?&%]+\.[^\s@<>"'?&%]+$/;

/** The target of a link, or null when it is not an absolute https address or a mail address that may be shown as a link. */
export function findLinkTarget(address: string): LinkTarget | null {
  const trimmed = address.trim();
  if (trimmed.length > LONGEST_ADDRESS || !URL.canParse(trimmed)) return null;
  const url = new URL(trimmed);
  if (url.protocol === "mailto:") {
    // Without its parameters: a prepared subject and body would let a document write in the customer's name.
    return MAIL_ADDRESS.test(url.pathname) ? { href: `mailto:${url.pathname}`, shown: url.pathname } : null;
  }
  // "https://bank.example@evil.example" reads as the bank.
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hostname === "") return null;
  return { href: url.href, shown: url.host };
}

/** Without what belongs to the sentence that an address stands in. */
export function withoutTrailingPunctuation(address: string): string {
  let unopened = address.split(")").length - address.split("(").length;
  let end = address.length;
  while (TRAILING_PUNCTUATION.test(address.charAt(end - 1))) {
    if (address[end - 1] === ")") {
      if (unopened === 0) break;
      unopened -= 1;
    }
    end -= 1;
  }
  return address.slice(0, end);
}

/** A text in its parts, in order: words as they are, and each address that may be a link with where it leads. */
export function splitAddresses(text: string): readonly { readonly text: string; readonly target: LinkTarget | null }[] {
  const parts: { text: string; target: LinkTarget | null }[] = [];
  let done = 0;
  for (const match of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${BARE_ADDRESS.source}`, "gu"))) {
    const address = withoutTrailingPunctuation(match[0]);
    const target = findLinkTarget(address);
    if (target === null) continue;
    if (match.index > done) parts.push({ text: text.slice(done, match.index), target: null });
    parts.push({ text: address, target });
    done = match.index + address.length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), target: null });
  return parts;
}
