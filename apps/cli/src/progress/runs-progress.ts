/** Progress of several runs at the same time: a bar each on a terminal, otherwise one plain line for all of them now and then. */
import type { Io } from '../io.js';
import { ProgressBars } from './bar.js';
import type { ProgressState } from './state.js';
import { progressText } from './text.js';

export interface RunsProgress {
  readonly update: (name: string, state: ProgressState) => void;
  readonly note: (text: string) => void;
  readonly stop: () => void;
}

const LINE_INTERVAL = 5000;

export function createRunsProgress(io: Io, names: readonly string[]): RunsProgress {
  if (io.stderr.isTTY === true) {
    const bars = new ProgressBars(io.stderr, names);
    return {
      update: (name, state) => bars.update(name, state),
      note: (text) => bars.note(text),
      stop: () => bars.stop(),
    };
  }
  const width = Math.max(...names.map((name) => name.length));
  const last = new Map<string, number>();
  return {
    update(name, state) {
      const now = performance.now();
      const isLast = state.step === state.steps;
      if (!isLast && now - (last.get(name) ?? -Infinity) < LINE_INTERVAL) return;
      last.set(name, now);
      io.stderr.write(`${name.padEnd(width)}  step ${state.step}/${state.steps}  ${progressText(state)}\n`);
    },
    note: (text) => io.stderr.write(`${text}\n`),
    stop: () => undefined,
  };
}
