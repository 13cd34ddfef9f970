/** The toggle that the page is about, and what else defines a run. */
import { Button, ButtonRow } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import { StatusLine } from '../../ui/messages.js';
import { NumberField } from '../../ui/number-field.js';
import { Presets } from '../../ui/presets.js';
import { LogSlider } from '../../ui/slider.js';
import { run, sides, state } from './page-state.js';
import { PRESETS } from './presets.js';
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
  STEPS_LIMITS,
} from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { Lambda } from '../../ui/lambda.js';

export function RunBar() {
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

export function Controls() {
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
            <Lambda of="fsd" />, weight of the change of the predictions
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
            <Lambda of="wsd" />, weight of the change of the weights
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
