/** The losses of the three runs, against steps or seconds, and the numbers of the moment. */
import { computed } from '@preact/signals';
import { Choice } from '../../ui/choice.js';
import { Figure } from '../../ui/figure.js';
import { formatNumber } from '../../ui/format.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import { NumbersTable } from '../../ui/numbers-table.js';
import { RUNS } from './contract.js';
import type { RunName } from './contract.js';
import { run, settings } from './page-state.js';
import { lossChart, lossNow, secondsPerStep, WINDOW } from './record.js';
import { lossSentence, RUN_COLORS, RUN_LABELS } from './words.js';

const { signals } = settings;
const SERIES = RUNS.map((name) => ({ label: RUN_LABELS[name], color: RUN_COLORS[name] }));
/** Nats an image: below the first steps, above what these networks reach. */
const LOSS_RANGE = [20, 80] as const;

const data = computed(() => lossChart(run.record.value, signals.axis.value));

export function LossFigure() {
  const { axis } = signals;
  const steps = run.settings.value?.steps ?? signals.steps.value;
  return (
    <Figure
      title="Training loss"
      caption={`In nats an image, the mean of ${WINDOW} batches. All three start from the same weights, see the same batches, and take turns in one worker; against seconds, each line has only its own. The axis ends at ${LOSS_RANGE[1]}: the first steps lie above.`}
    >
      <div class="loss-head">
        <Legend items={SERIES} />
        <Choice
          label={<span class="visually-hidden">Against</span>}
          name="axis"
          value={axis}
          options={[
            { value: 'steps', label: 'steps' },
            { value: 'seconds', label: 'seconds' },
          ]}
        />
      </div>
      <LiveChart
        data={data}
        series={SERIES}
        xLabel={axis.value === 'steps' ? 'step' : 'seconds of the run’s own'}
        yLabel="nats an image"
        yRange={LOSS_RANGE}
        {...(axis.value === 'steps' && { xRange: [0, steps] as const })}
        summary={`Training loss against ${axis.value}. ${lossSentence(run.record.value)}`}
        height={280}
      />
      <Numbers />
    </Figure>
  );
}

function Numbers() {
  const { losses, timing, broken, testLosses, rates } = run.record.value;
  const test = testLosses.at(-1)?.testLoss;
  const { momentumRate, kfacRate } = signals;
  const rateOf = (name: RunName): string => {
    const learned = rates.at(-1)?.rate;
    switch (name) {
      case 'momentum':
        return formatNumber(momentumRate.value);
      case 'kfac':
        return formatNumber(kfacRate.value);
      case 'apo':
        return learned === undefined ? 'learned' : formatNumber(learned, 2);
    }
  };
  return (
    <NumbersTable label="The three runs now">
      <thead>
        <tr>
          <td />
          <th scope="col">loss</th>
          <th scope="col">test</th>
          <th scope="col">rate</th>
          <th scope="col">steps/s</th>
        </tr>
      </thead>
      <tbody>
        {RUNS.map((name) => {
          const pace = secondsPerStep(timing[name]);
          const stopped = broken[name];
          return (
            <tr key={name}>
              <th scope="row" style={{ color: `var(${RUN_COLORS[name]})` }}>
                {RUN_LABELS[name]}
              </th>
              <td>{stopped === null ? shown(lossNow(losses[name])) : `broke at ${stopped.step}`}</td>
              <td>{shown(test?.[name] ?? undefined)}</td>
              <td>{rateOf(name)}</td>
              <td>{pace === undefined ? '–' : formatNumber(1 / pace, 2)}</td>
            </tr>
          );
        })}
      </tbody>
    </NumbersTable>
  );
}

function shown(value: number | undefined): string {
  return value === undefined ? '–' : formatNumber(value);
}
