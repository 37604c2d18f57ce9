// How long to wait before the next try: doubling, with jitter, so that a thousand pages do not come back in the same moment.

const FIRST_MS = 400;
const LONGEST_MS = 20_000;

/** `failures` counts from 1; `chance` is in [0, 1). The wait is between half and all of the doubled step. */
export function backoffMs(failures: number, chance: number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return step * (0.5 + chance / 2);
}
