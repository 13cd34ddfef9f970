/** Page 5: the batch on which the meta-objective measures the loss, and what that does to the learning rate (App. D of the paper). */
import { computed } from '@preact/signals';
import { Button, ButtonRow } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { Figure } from '../../ui/figure.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import type { ChartSeries } from '../../ui/live-chart.js';
import { ErrorPanel, Notes, StatusLine } from '../../ui/messages.js';
import { NumberField } from '../../ui/number-field.js';
import { Presets } from '../../ui/presets.js';
import { Probe } from '../../ui/probe.js';
import { LogSlider } from '../../ui/slider.js';
import { urlState } from '../../url/url-state.js';
import { HorizonFigure } from './horizon-figure.js';
import { RATES } from './horizon.js';
import { PRESETS } from './presets.js';
import { startRun } from './run.js';
import { chartOf, lateMean, thinned } from './series.js';
import type { Line } from './series.js';
import type { SideProgress } from './session.js';
import {
  BATCH_SIZE_LIMITS,
  CONDITION_RANGE,
  INITIAL_RATE_RANGE,
  INTERVAL_LIMITS,
  LAMBDA_FSD_RANGE,
  LAMBDA_WSD_RANGE,
  NOISE_RANGE,
  SEED_LIMITS,
  settingsCodec,
  sidesOf,
  STEPS_LIMITS,
  viewpointOf,
} from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { COLORS, Explanation, Lambda, NAMES, SidesTable } from './text.js';
import './short-horizon.css';

const state = urlState(settingsCodec);
const run = startRun(state.current);

/** Steps over which losses and the numbers of the table are averaged. */
const WINDOW = 50;
/** Steps between two values that tests read. */
const PROBE_STRIDE = 50;

const sides = computed(() => sidesOf(run.settings.value.loss));
/** The run from whose weights the page looks ahead. */
const viewpoint = computed(() => viewpointOf(run.settings.value.loss));
/** The single-step rate is that of SGD; beside a momentum run it would compare two different things. */
const showsGreedy = computed(() => run.settings.value.rule === 'sgd');

const rateLines = computed(() => [
  ...sides.value.map((side): Line => ({ side, list: 'rates' })),
  ...(showsGreedy.value ? [{ side: viewpoint.value, list: 'greedy' } as const] : []),
]);
const rateChart = computed(() => chartOf(run.trace.value.sides, run.trace.value.steps, rateLines.value));
const lossChart = computed(() =>
  chartOf(
    run.trace.value.sides,
    run.trace.value.steps,
    sides.value.map((side) => ({ side, list: 'excess', window: WINDOW })),
  ),
);
const metaSteps = computed(() => run.trace.value.metaSteps);
const learned = computed(() =>
  sides.value.flatMap((side) => {
    const rate = run.trace.value.sides[side]?.rates.at(-1);
    return rate === undefined ? [] : [{ rate, color: COLORS[side] }];
  }),
);

export function View() {
  const { failure, settings } = run;
  const full = sides.value.map((side) => ({ label: NAMES[side], color: COLORS[side] }));
  const rates: ChartSeries[] = [
    ...full,
    ...(showsGreedy.value
      ? [{ label: 'best for one step', color: COLORS[viewpoint.value], dash: [2, 4], width: 1.5 }]
      : []),
  ];
  return (
    <>
      <h1>The short horizon</h1>
      <p class="lead">
        A learning rate is judged by the loss after one step. Measured on the batch that gave the gradient,
        that works. Measured on another batch, which looks more honest, it makes the learning rate collapse.
      </p>
      <RunBar />
      <div class="stage">
        <div class="figures">
          <Notes notes={state.notes} />
          {failure.value !== undefined && (
            <ErrorPanel title="The run has stopped" failure={failure.value} onRetry={() => run.retry()} />
          )}
          <Figure
            title="Learning rate"
            caption={
              <>
                Q is evaluated with its loss on the one batch or on the other; all else is equal: the weights
                at the start, the batches, their order. Strokes on the axis are meta-steps.{' '}
                {showsGreedy.value &&
                  `The dotted line is the rate that would lower the expected loss most in the next step alone, from the weights of the run with the ${NAMES[viewpoint.value]}.`}
              </>
            }
          >
            <Legend items={rates} />
            <LiveChart
              data={rateChart}
              series={rates}
              xLabel="step"
              yLabel="learning rate"
              yScale="log"
              xRange={[0, settings.value.steps]}
              marks={metaSteps}
              summary={`Learning rate against the step. ${inWords('rates')}`}
            />
          </Figure>
          <Figure
            title="What there is still to gain"
            caption={`The expected loss less that of the best weights, over all inputs instead of a batch, averaged over the last ${WINDOW} steps. For this problem it is known exactly; no optimizer sees it.`}
          >
            <Legend items={full} />
            <LiveChart
              data={lossChart}
              series={full}
              xLabel="step"
              yLabel="excess loss"
              yScale="log"
              xRange={[0, settings.value.steps]}
              summary={`Excess loss against the step. ${inWords('excess')}`}
            />
            <SidesTable sides={sides.value} trace={run.trace.value} window={WINDOW} />
          </Figure>
          <Figure
            title="How far one looks ahead decides which rate is best"
            caption={`Expected loss, as a share of what it is now, after 1 to 1,000 steps of SGD at one constant rate, from the weights that the run with the ${NAMES[viewpoint.value]} has reached; computed exactly. Dots, and the numbers above, are the best rates.`}
          >
            <HorizonFigure curves={run.curves} marks={learned} />
          </Figure>
        </div>
        <Controls />
      </div>
      <Explanation />
      <Probe name="run" value={probe()} />
    </>
  );
}

function RunBar() {
  const { signals } = state;
  return (
    <div class="run-bar">
      <Choice
        label="Measure the loss of Q on"
        name="loss"
        value={signals.loss}
        options={[
          { value: 'both', label: 'both, compared' },
          { value: 'same', label: 'the same batch' },
          { value: 'other', label: 'another batch' },
        ]}
      />
      <ButtonRow>
        <Button primary name="again" onClick={() => run.again()}>
          Run again
        </Button>
        <Button
          name="next-seed"
          onClick={() => (signals.seed.value = (signals.seed.value + 1) % (SEED_LIMITS[1] + 1))}
        >
          Next seed
        </Button>
      </ButtonRow>
      <StatusLine>{status()}</StatusLine>
    </div>
  );
}

function Controls() {
  const { signals, current, apply } = state;
  return (
    <div class="panel">
      <LogSlider
        label={
          <>
            Noise of the targets, <i class="math">σ</i>
          </>
        }
        name="noise"
        value={signals.noise}
        min={NOISE_RANGE[0]}
        max={NOISE_RANGE[1]}
        withZero
      />
      <LogSlider
        label={
          <>
            Condition number, <i class="math">κ</i>
          </>
        }
        name="condition"
        value={signals.condition}
        min={CONDITION_RANGE[0]}
        max={CONDITION_RANGE[1]}
        perDecade={10}
        hint="How much steeper the steepest direction is than the flattest."
      />
      <LogSlider
        label={
          <>
            <Lambda of="FSD" />, weight of the change of the predictions
          </>
        }
        name="lambdaFsd"
        value={signals.lambdaFsd}
        min={LAMBDA_FSD_RANGE[0]}
        max={LAMBDA_FSD_RANGE[1]}
        withZero
      />
      <LogSlider
        label={
          <>
            <Lambda of="WSD" />, weight of the change of the weights
          </>
        }
        name="lambdaWsd"
        value={signals.lambdaWsd}
        min={LAMBDA_WSD_RANGE[0]}
        max={LAMBDA_WSD_RANGE[1]}
        withZero
      />
      <LogSlider
        label="Initial learning rate"
        name="initialRate"
        value={signals.initialRate}
        min={INITIAL_RATE_RANGE[0]}
        max={INITIAL_RATE_RANGE[1]}
        perDecade={10}
        withZero
        format={(rate) => (rate === 0 ? 'found' : formatNumber(rate))}
        hint="At the left end it is found on the first batch."
      />
      <Choice
        label="Update rule"
        name="rule"
        value={signals.rule}
        options={[
          { value: 'sgd', label: 'SGD' },
          { value: 'momentum', label: 'momentum' },
        ]}
      />
      <NumberField
        label="Batch size"
        name="batchSize"
        value={signals.batchSize}
        min={BATCH_SIZE_LIMITS[0]}
        max={BATCH_SIZE_LIMITS[1]}
      />
      <NumberField
        label="Steps between meta-steps, K"
        name="interval"
        value={signals.interval}
        min={INTERVAL_LIMITS[0]}
        max={INTERVAL_LIMITS[1]}
      />
      <NumberField
        label="Steps"
        name="steps"
        value={signals.steps}
        min={STEPS_LIMITS[0]}
        max={STEPS_LIMITS[1]}
      />
      <NumberField label="Seed" name="seed" value={signals.seed} min={SEED_LIMITS[0]} max={SEED_LIMITS[1]} />
      <Presets presets={PRESETS} defaults={settingsCodec.defaults} current={current.value} onApply={apply} />
      <ButtonRow>
        <Button
          name="download"
          disabled={run.report.value === undefined}
          onClick={() =>
            downloadJson('short-horizon.json', { settings: run.settings.value, ...run.trace.value })
          }
        >
          Download this run
        </Button>
      </ButtonRow>
      <CopyAsCode code={snippet(current.value)} install={SNIPPET_INSTALL} />
    </div>
  );
}

function status(): string {
  const { report, settings, failure } = run;
  if (failure.value !== undefined) return 'Stopped.';
  const done = report.value;
  if (done === undefined) return 'Running in a worker.';
  const total = settings.value.steps * sides.value.length;
  return `${formatCount(total, 'step')} in ${formatNumber(done.milliseconds / 1000, 2)} s, in a worker.`;
}

function inWords(list: 'rates' | 'excess'): string {
  return sides.value
    .map((side) => {
      const values = run.trace.value.sides[side]?.[list] ?? [];
      if (values.length === 0) return '';
      const last = lateMean(values, WINDOW)!;
      return `With the ${NAMES[side]}: from ${formatNumber(values[0]!, 2)} to ${formatNumber(last, 2)}.`;
    })
    .join(' ');
}

function probe(): unknown {
  const { settings, trace, curves, report, failure } = run;
  const thin = ({ rates, excess, greedy }: SideProgress): SideProgress => ({
    rates: thinned(rates, PROBE_STRIDE),
    excess: thinned(excess, PROBE_STRIDE),
    greedy: thinned(greedy, PROBE_STRIDE),
  });
  return {
    settings: settings.value,
    steps: trace.value.steps,
    metaSteps: trace.value.metaSteps.length,
    sides: Object.fromEntries(Object.entries(trace.value.sides).map(([side, lists]) => [side, thin(lists)])),
    best: curves.value.map((curve) => RATES[curve.best]),
    report: report.value,
    failure: failure.value?.message,
  };
}
