// What stands in the circle beside a name.

const WRITTEN = /[\p{L}\p{N}]/u;

/** The first letters of the first and the last word that have any; of a name without letters, its first sign. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/u);
  const letters = words.map((word) => [...word].find((sign) => WRITTEN.test(sign))).filter((letter) => letter !== undefined);
  const [first = [...name.trim()][0] ?? ""] = letters;
  return `${first}${letters.length > 1 ? (letters.at(-1) ?? "") : ""}`.toUpperCase();
}
