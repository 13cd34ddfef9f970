/** Progress without a terminal: a plain line every few seconds, or a JSON object a line for a program that reads along. */
import type { Output } from '../io.js';
import { progressText } from './text.js';
import type { Progress, ProgressState } from './state.js';

const LINE_INTERVAL = 4000;
const JSON_INTERVAL = 200;

/** At most one line per interval, and always the last state. */
function throttled(
  interval: number,
  write: (state: ProgressState) => void,
): Pick<Progress, 'update' | 'stop'> {
  let last = -Infinity;
  let pending: ProgressState | undefined;
  return {
    update(state) {
      const now = performance.now();
      pending = state;
      if (now - last < interval) return;
      last = now;
      pending = undefined;
      write(state);
    },
    stop() {
      if (pending !== undefined) write(pending);
      pending = undefined;
    },
  };
}

export function lineProgress(output: Output): Progress {
  return {
    ...throttled(LINE_INTERVAL, (state) => {
      output.write(`step ${state.step}/${state.steps}  ${progressText(state)}\n`);
    }),
    note: (text) => output.write(`${text}\n`),
    detail: (text) => output.write(`${text}\n`),
  };
}

export function jsonProgress(output: Output): Progress {
  const write = (value: object): void => {
    output.write(`${JSON.stringify(value)}\n`);
  };
  const note = (text: string): void => write({ note: text });
  return { ...throttled(JSON_INTERVAL, write), note, detail: note };
}
