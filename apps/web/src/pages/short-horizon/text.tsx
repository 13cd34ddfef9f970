/** The words and the table of the page. */
import { formatNumber } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { NumbersTable } from '../../ui/numbers-table.js';
import type { Trace } from './run.js';
import { lateMean } from './series.js';
import type { LossBatch } from './settings.js';

export const COLORS = { same: '--data-tuned', other: '--data-fixed' } as const;
export const NAMES = { same: 'loss on the same batch', other: 'loss on another batch' } as const;

export interface SidesTableProps {
  readonly sides: readonly LossBatch[];
  readonly trace: Trace;
  /** How many of the last steps the numbers are means of. */
  readonly window: number;
}

/** Where each side stands now. */
export function SidesTable({ sides, trace, window }: SidesTableProps) {
  return (
    <NumbersTable label={`Means over the last ${window} steps of each run`}>
      <thead>
        <tr>
          <th scope="col">mean of the last {window} steps</th>
          <th scope="col">learning rate</th>
          <th scope="col">excess loss</th>
        </tr>
      </thead>
      <tbody>
        {sides.map((side) => (
          <tr key={side}>
            <th scope="row" style={{ color: `var(${COLORS[side]})` }}>
              {NAMES[side]}
            </th>
            <td>{shown(lateMean(trace.sides[side]?.rates ?? [], window))}</td>
            <td>{shown(lateMean(trace.sides[side]?.excess ?? [], window))}</td>
          </tr>
        ))}
      </tbody>
    </NumbersTable>
  );
}

function shown(value: number | undefined): string {
  return value === undefined ? '–' : formatNumber(value, 2);
}

export function Explanation() {
  return (
    <section class="prose after-stage">
      <h2>Why the honest measurement is the wrong one</h2>
      <p>
        The meta-objective <i>Q</i>(<i>η</i>) is the loss <i>J</i>(<i>θ′</i>) after a step <i>θ′</i> ={' '}
        <i>θ</i> − <i>η g</i>, plus <Lambda of="fsd" /> times the change of the predictions, plus ½{' '}
        <Lambda of="wsd" /> ‖<i>θ′</i> − <i>θ</i>‖². The gradient <i>g</i> is that of one batch, and most of
        what changes from batch to batch is in the steep directions. On another batch, a step that reacts to
        this noise looks as bad as it is, so <i>η</i> shrinks until it hardly reacts: to the rate that gains
        most in a single step. The flat directions, in which all of the remaining loss lies, would need a
        large rate for hundreds of steps, and a single step along them gains next to nothing. What looks one
        step ahead does not find out.
      </p>
      <p>
        On the batch that gave the gradient, the step is praised for fitting that batch, and the rate stays
        close to the largest that does not make the loss rise. That is no exact answer either: the loss of
        that run bounces, and at the end of training a schedule should bring the rate down. But it does not
        stand still, which is why this is the default. Where all directions are equally steep nothing is
        sacrificed by looking one step ahead, and the small rate is the better one: try the second preset.
      </p>
      <p>
        The problem is least squares with 20 weights. Features are independent and normally distributed, with
        variances from 1 down to 1/<i>κ</i>; targets have noise of standard deviation <i>σ</i>. Every batch is
        fresh.
      </p>
    </section>
  );
}
