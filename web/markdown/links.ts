// Which addresses a page may lead to. One place decides; everything else is shown as text.

import type { LinkTarget } from "./ast";

const LONGEST_ADDRESS = 2048;
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
