/** Page 5: the batch on which the meta-objective measures the loss, and what that does to the learning rate (App. D of the paper). */
import { computed } from '@preact/signals';
import { Figure } from '../../ui/figure.js';
import { formatNumber } from '../../ui/format.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import type { ChartSeries } from '../../ui/live-chart.js';
import { ErrorPanel, Notes } from '../../ui/messages.js';
import { Probe } from '../../ui/probe.js';
import { Controls, RunBar } from './controls.js';
import { HorizonFigure } from './horizon-figure.js';
import { RATES } from './horizon.js';
import { run, sides, state } from './page-state.js';
import { chartOf, lateMean, thinned } from './series.js';
import type { Line } from './series.js';
import type { SideProgress } from './session.js';
import { viewpointOf } from './settings.js';
import { COLORS, Explanation, NAMES, SidesTable } from './text.js';
import './short-horizon.css';

/** Steps over which losses and the numbers of the table are averaged. */
const WINDOW = 50;
/** Steps between two values that tests read. */
const PROBE_STRIDE = 50;

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
        </div>
        <Controls />
        <div class="figures">
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
      </div>
      <Explanation />
      <Probe name="run" value={probe()} />
    </>
  );
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
