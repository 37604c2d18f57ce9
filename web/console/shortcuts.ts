// One key for each thing that is done often. Keys are free only while nobody writes and no dialog is open.

import { go, home } from "./route";

const CHORD_MS = 1_200;

export type Bindings = Readonly<Record<string, () => void>>;

/** Returns the way to stop listening. */
export function listenForKeys(bindings: Bindings): () => void {
  let chordUntil = 0;
  const abort = new AbortController();
  const places: Bindings = {
    i: () => go(home),
    k: () => go({ section: "knowledge" }),
    o: () => go({ section: "overview" }),
    s: () => go({ section: "settings", page: "profile" }),
  };
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing || isWriting(event.target)) return;
      if (document.querySelector("dialog[open]") !== null) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const isChord = performance.now() < chordUntil;
      chordUntil = key === "g" ? performance.now() + CHORD_MS : 0;
      const deed = isChord ? places[key] : bindings[key];
      if (deed === undefined) return;
      event.preventDefault();
      deed();
    },
    { signal: abort.signal },
  );
  return () => abort.abort();
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
