import { expect, it } from 'vitest';
import { createYielder, nextMacrotask } from './event-loop.js';

it('lets a timer run that a chain of promises would starve', async () => {
  const fired: string[] = [];
  setTimeout(() => fired.push('timer'), 0);
  for (let i = 0; i < 100; i++) await Promise.resolve();
  expect(fired).toEqual([]);
  const giveWay = createYielder(0);
  // Each turn is a macrotask; a timer of 0 ms (1 ms in Node) comes up after some of them.
  while (fired.length === 0) await giveWay();
  expect(fired).toEqual(['timer']);
});

it('does not wait before the interval is over', async () => {
  const order: string[] = [];
  const macrotask = nextMacrotask().then(() => order.push('macrotask'));
  await createYielder(1e9)();
  order.push('yielder');
  await macrotask;
  expect(order).toEqual(['yielder', 'macrotask']);
});
