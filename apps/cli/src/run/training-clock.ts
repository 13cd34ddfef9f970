/** Seconds spent on training steps, over all parts of a resumed run; evaluations and checkpoints do not count. */
export class TrainingClock {
  private last = performance.now();

  /** @param seconds What earlier parts took. */
  constructor(private total = 0) {}

  get seconds(): number {
    return this.total;
  }

  /** Counts the time since the last `step` or `restart`. */
  step(): void {
    const now = performance.now();
    this.total += (now - this.last) / 1000;
    this.last = now;
  }

  /** Leaves out the time since the last `step` or `restart`. */
  restart(): void {
    this.last = performance.now();
  }
}
