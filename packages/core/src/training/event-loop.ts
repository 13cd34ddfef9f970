/** Lets timers, rendering and input have their turn while a long computation runs. It schedules nothing else. */

/**
 * Resolves in a later macrotask. A message to oneself is used because browsers delay `setTimeout` in background tabs to
 * once a second and stop `requestAnimationFrame` there.
 */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** A function that waits for a macrotask when the last one is more than `interval` milliseconds ago. */
export function createYielder(interval = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < interval) return;
    await nextMacrotask();
    last = performance.now();
  };
}
