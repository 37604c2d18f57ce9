// Ids of events: numbers split at ".", compared as tuples. The ids of one session only grow.

export type EventId = readonly number[];

/** The place before the first event of a session. */
export const BEGINNING = "";

export function parseEventId(id: string): EventId {
  return id === BEGINNING ? [] : id.split(".").map(Number);
}

/** Negative when `a` is before `b`; a prefix is before what it begins. */
export function compareEventIds(a: string, b: string): number {
  const left = parseEventId(a);
  const right = parseEventId(b);
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The number of the stored event that `id` is, or stands behind; 0 for the beginning. */
export function storedNumber(id: string): number {
  return parseEventId(id)[0] ?? 0;
}
