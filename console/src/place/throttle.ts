/**
 * Runs something at most once in `intervalMs`: at once after a pause, else when the interval is over. Calls in between
 * count as one.
 */
export function throttled(run: () => void, intervalMs: number): { call: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let lastAt = Number.NEGATIVE_INFINITY;
  const now = () => {
    timer = null;
    lastAt = performance.now();
    run();
  };
  return {
    call: () => {
      if (timer !== null) return;
      const wait = lastAt + intervalMs - performance.now();
      if (wait <= 0) now();
      else timer = setTimeout(now, wait);
    },
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
