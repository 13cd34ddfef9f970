import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrainingClock } from './training-clock.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('TrainingClock', () => {
  it('adds up steps, leaves out what is skipped, and goes on from earlier parts', () => {
    const now = vi.spyOn(performance, 'now');
    const at = (milliseconds: number): void => void now.mockReturnValue(milliseconds);
    at(1000);
    const clock = new TrainingClock(5);
    at(1500);
    clock.restart();
    at(1750);
    clock.step();
    at(3750);
    clock.step();
    at(9000);
    clock.restart();
    // 5 + 0.25 + 2.
    expect(clock.seconds).toBe(7.25);
  });
});
