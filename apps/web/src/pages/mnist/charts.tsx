/** Loss, learning rate and accuracy of both runs, by step. */
import { computed } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { Figure } from '../../ui/figure.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import type { ChartData, ChartSeries } from '../../ui/live-chart.js';
import { trailingMean } from '../../ui/trailing-mean.js';
import { run, settings } from './page-state.js';
import { rateByStep } from './record.js';
import { accuracyText, lossSummary, rateSummary } from './words.js';

/** Batches that a point of the loss curve is the mean of. */
const WINDOW = 10;

const FIXED: ChartSeries = { label: 'fixed rate', color: '--data-fixed', dash: [7, 4] };
const TUNED: ChartSeries = { label: 'self-tuned rate', color: '--data-tuned' };
const LEGEND = [FIXED, TUNED];

const shown = computed(() => run.settings.value ?? settings.current.value);
const smooth = computed(() => ({
  fixed: trailingMean(run.record.value.losses.fixed, WINDOW),
  tuned: trailingMean(run.record.value.losses.tuned, WINDOW),
}));

const losses: ReadonlySignal<ChartData> = computed(() => {
  const { fixed, tuned } = smooth.value;
  const x = steps(run.record.value.step);
  return { x, series: [padded(fixed, x.length), padded(tuned, x.length)] };
});

const rates: ReadonlySignal<ChartData> = computed(() => {
  const { metaSteps, losses: seen } = run.record.value;
  const x = steps(run.record.value.step);
  const { rate } = shown.value;
  const fixed = new Array<number>(seen.fixed.length).fill(rate);
  return {
    x,
    series: [padded(fixed, x.length), padded(rateByStep(metaSteps, seen.tuned.length, rate), x.length)],
  };
});

const accuracies: ReadonlySignal<ChartData> = computed(() => {
  const { evaluations } = run.record.value;
  const percent = (share: number | null): number | null => (share === null ? null : 100 * share);
  return {
    x: evaluations.map(({ step }) => step),
    series: [
      evaluations.map(({ accuracy }) => percent(accuracy.fixed)),
      evaluations.map(({ accuracy }) => percent(accuracy.tuned)),
    ],
  };
});

const marks = computed(() => run.record.value.metaSteps.map(({ step }) => step));

/** The two charts that tell the story: the loss, and the rates that gave it. */
export function RaceFigure() {
  const { steps: last, rate, k } = shown.value;
  const record = run.record.value;
  return (
    <Figure
      caption={
        <>
          Above: cross-entropy of the training batches, in nats, the mean of the last {WINDOW}. Below: the
          learning rates that gave it. Strokes on the lower axis are meta-steps, in which the rate is adapted:
          every one of the first 20 steps, then one in {k}.
        </>
      }
    >
      <Legend items={LEGEND} />
      <LiveChart
        data={losses}
        series={LEGEND}
        xLabel="step"
        yLabel="training loss"
        yScale="log"
        xRange={[0, last]}
        height={250}
        summary={lossSummary(smooth.value, record)}
      />
      <LiveChart
        data={rates}
        series={LEGEND}
        marks={marks}
        xLabel="step"
        yLabel="learning rate"
        yScale="log"
        xRange={[0, last]}
        height={200}
        summary={rateSummary(rate, record)}
      />
    </Figure>
  );
}

export function AccuracyFigure() {
  const { steps: last } = shown.value;
  return (
    <Figure
      title="Accuracy"
      caption="Share of 1,000 test digits, which neither run is trained on, that are read right; looked at every 25 steps."
    >
      <Legend items={LEGEND} />
      <LiveChart
        data={accuracies}
        series={LEGEND}
        xLabel="step"
        yLabel="right, %"
        xRange={[0, last]}
        yRange={[0, 100]}
        height={200}
        summary={`Accuracy on test digits by step. ${accuracyText(run.record.value)}`}
      />
    </Figure>
  );
}

function steps(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** A run that failed has fewer steps than the other. */
function padded(values: readonly number[], length: number): (number | null)[] {
  return Array.from({ length }, (_, i) => values[i] ?? null);
}
