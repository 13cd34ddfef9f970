/** In a page that is not cross-origin isolated there is one thread, and the engine says why. */
import { expect, it } from 'vitest';
import { memoryIsShared, restart, train } from './restart.js';

it('the page may not share memory', () => {
  expect(crossOriginIsolated).toBe(false);
});

it('threads that are asked for are refused with the headers that would allow them', async () => {
  const info = await restart({ threads: 2 });
  const why = expect.stringMatching(
    /not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/,
  ) as string;
  expect(info).toMatchObject({ threads: 1, warning: why, details: { singleThread: why } });
  expect(memoryIsShared()).toBe(false);
  expect(train().every(Number.isFinite)).toBe(true);
});

it('nothing is said when none were asked for', async () => {
  const info = await restart({});
  expect(info.threads).toBe(1);
  expect(info.warning).toBeUndefined();
});
