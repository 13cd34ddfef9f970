/** Writes that come too fast are thinned: browsers refuse an address that changes more than about a hundred times in half a minute, as it would under a slider. */

/** So many may come at once. */
const BURST = 20;
/** Milliseconds until one more may come: 20 + 30,000 / 400 is 95 in half a minute. */
const GAP = 400;

/** Calls `write` at once while that is allowed, and else later, with the latest value only. The last value is always written. */
export function thinned<T>(write: (value: T) => void): (value: T) => void {
  let allowed = BURST;
  let counted = performance.now();
  let waiting: { readonly value: T } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    const now = performance.now();
    allowed = Math.min(BURST, allowed + (now - counted) / GAP);
    counted = now;
    if (waiting === undefined) return;
    if (allowed < 1) {
      timer = setTimeout(flush, GAP);
      return;
    }
    allowed--;
    const { value } = waiting;
    waiting = undefined;
    write(value);
  }

  return (value) => {
    waiting = { value };
    if (timer === undefined) flush();
  };
}
