// When changes are drawn.

/** Draw at most once for all changes of a frame; in a hidden page, where no frames come, without delay. */
export function onceAFrame(draw: () => void): () => void {
  let isPlanned = false;
  const run = () => {
    if (!isPlanned) return;
    isPlanned = false;
    draw();
  };
  document.addEventListener("visibilitychange", run);
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    if (document.visibilityState === "hidden") setTimeout(run);
    else requestAnimationFrame(run);
  };
}
