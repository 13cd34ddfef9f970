/** Progress on a terminal: one bar a run (cli-progress). */
import { MultiBar, Presets } from 'cli-progress';
import type { SingleBar } from 'cli-progress';
import type { Output } from '../io.js';
import { progressText } from './text.js';
import type { Progress, ProgressState } from './state.js';

/** Several bars under each other, one a name. */
export class ProgressBars {
  private readonly bars: MultiBar;
  private readonly byName = new Map<string, SingleBar>();
  private readonly nameWidth: number;

  constructor(output: Output, names: readonly string[]) {
    this.nameWidth = Math.max(0, ...names.map((name) => name.length));
    this.bars = new MultiBar(
      {
        stream: output,
        format: '{name}{bar} {percentage} %  step {value}/{total}  {text}',
        barsize: 20,
        hideCursor: true,
        linewrap: false,
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
  }

  update(name: string, state: ProgressState): void {
    const label = name === '' ? '' : `${name.padEnd(this.nameWidth)}  `;
    const payload = { name: label, text: progressText(state) };
    const bar = this.byName.get(name);
    if (bar === undefined) this.byName.set(name, this.bars.create(state.steps, state.step, payload));
    else bar.update(state.step, payload);
  }

  note(text: string): void {
    this.bars.log(`${text}\n`);
  }

  stop(): void {
    this.bars.stop();
  }
}

/** The bar of a single run. */
export function barProgress(output: Output): Progress {
  const bars = new ProgressBars(output, ['']);
  return {
    update: (state) => bars.update('', state),
    note: (text) => bars.note(text),
    detail: (text) => bars.note(text),
    stop: () => bars.stop(),
  };
}
