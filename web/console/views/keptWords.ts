// What was written and not sent, kept by this browser: of each conversation a reply and a note, so that neither ever becomes the other.

import { lastingArea } from "../../client/area";

export type Mode = "reply" | "note";

export interface Place {
  readonly sessionId: string;
  readonly mode: Mode;
}

export function readKept(place: Place): string {
  return lastingArea.getItem(keyOf(place)) ?? "";
}

export function keep(place: Place, words: string): void {
  if (words === "") lastingArea.removeItem(keyOf(place));
  else lastingArea.setItem(keyOf(place), words);
}

function keyOf({ sessionId, mode }: Place): string {
  return `deskhand.console.${mode === "note" ? "note" : "draft"}.${sessionId}`;
}
