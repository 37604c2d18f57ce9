// What happens to words on their way into and out of the field that an operator writes in. Pure.

const LOOKING = /^\/(\S*)$/;

/** What a canned reply is looked for by, when that is all that stands in the field; else null. */
export function findLookedFor(words: string): string | null {
  return LOOKING.exec(words)?.[1] ?? null;
}

/** A canned reply with its names filled in. Of somebody whose name is not known, nothing is said: "Hello {name}," becomes "Hello,". */
export function fillReply(text: string, { name, agent }: { readonly name: string; readonly agent: string }): string {
  // Functions: a "$&" in a name is only a name.
  const named = name === "" ? text.replaceAll(/[ \t]*\{name\}/g, "") : text.replaceAll("{name}", () => name);
  return named.replaceAll("{agent}", () => agent);
}

/** What is left once `sent` has been sent: what was added behind it meanwhile. What was changed in between is left as it is. */
export function withoutSent(words: string, sent: string): string {
  return words.startsWith(sent) ? words.slice(sent.length).trimStart() : words;
}
