// What the company's page asks for: the `data-` attributes of the script's element.

import { readColour } from "./colour";
import type { Options, Theme } from "./contract";
import { chooseLanguage } from "./language";

/** Raises TypeError, for the console of whoever builds the page, when an attribute cannot be what is meant. */
export function readOptions(script: HTMLScriptElement): Options {
  const { color, side, theme, language, greeting, suggestions, prefix } = script.dataset;
  const colour = readColour(color);
  if (color !== undefined && colour === null) throw new TypeError(`Deskhand: data-color="${color}" is not a colour such as "#17624f".`);
  return {
    desk: new URL(script.src).origin,
    prefix: prefix ?? "/api",
    colour,
    side: oneOf("data-side", side, ["right", "left"]),
    theme: oneOf<Theme>("data-theme", theme, ["auto", "light", "dark"]),
    language: chooseLanguage([language, document.documentElement.lang, ...navigator.languages]),
    greeting: greeting?.trim() || null,
    suggestions:
      suggestions === undefined
        ? null
        : suggestions
            .split("|")
            .map((text) => text.trim())
            .filter((text) => text !== ""),
  };
}

/** `value` if it is one of `known`, the first of which stands for a missing one. */
function oneOf<Value extends string>(name: string, value: string | undefined, known: readonly [Value, ...Value[]]): Value {
  if (value === undefined) return known[0];
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) throw new TypeError(`Deskhand: ${name}="${value}" is none of ${known.join(", ")}.`);
  return found;
}
