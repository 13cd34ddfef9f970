/** The controls of the MNIST page: what is raced, and the numbers of the race. */
import { Choice } from '../../ui/choice.js';
import { formatNumber, formatPercent } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { NumberField } from '../../ui/number-field.js';
import { Presets } from '../../ui/presets.js';
import { LogSlider, Slider } from '../../ui/slider.js';
import { engineText } from '../../training/status-text.js';
import type { RunName } from './contract.js';
import { run, settings } from './page-state.js';
import { PRESETS } from './presets.js';
import { overhead, stepsPerSecond } from './record.js';
import {
  BATCH_RANGE,
  codec,
  FSD_RANGE,
  IMAGES,
  INTERVAL_RANGE,
  MODELS,
  OPTIMIZERS,
  RATE_RANGE,
  SEED_RANGE,
  STEPS_RANGE,
  WSD_RANGE,
} from './settings.js';
import { MODEL_LABELS, OPTIMIZER_LABELS } from './words.js';

const { signals } = settings;

/** The one slider that the page is about. */
export function RateControl() {
  return (
    <>
      <LogSlider
        label="Initial learning rate"
        name="rate"
        value={signals.rate}
        {...RATE_RANGE}
        hint="Six decades. Both runs begin here; a run that is on begins again."
      />
      <Choice
        label="The self-tuned run starts at"
        name="start"
        value={signals.start}
        options={[
          { value: 'given', label: 'this rate' },
          { value: 'estimated', label: 'its own estimate' },
        ]}
      />
    </>
  );
}

export function PresetControl() {
  return (
    <section aria-label="Presets">
      <h2 class="figure-title">Presets</h2>
      <Presets
        presets={PRESETS}
        defaults={codec.defaults}
        current={settings.current.value}
        onApply={settings.apply}
      />
    </section>
  );
}

export function MoreControls() {
  return (
    <details class="more">
      <summary>All settings</summary>
      <div class="more-fields">
        <Choice
          label="Network"
          name="model"
          value={signals.model}
          options={MODELS.map((value) => ({ value, label: MODEL_LABELS[value] }))}
        />
        <Choice
          label="Rule"
          name="optimizer"
          value={signals.optimizer}
          options={OPTIMIZERS.map((value) => ({ value, label: OPTIMIZER_LABELS[value] }))}
        />
        <LogSlider
          label={
            <>
              <Lambda of="fsd" />, weight of the change of predictions
            </>
          }
          name="fsd"
          value={signals.fsd}
          withZero
          {...FSD_RANGE}
        />
        <LogSlider
          label={
            <>
              <Lambda of="wsd" />, weight of the change of weights
            </>
          }
          name="wsd"
          value={signals.wsd}
          withZero
          {...WSD_RANGE}
        />
        <Slider
          label="K, steps between meta-steps"
          name="k"
          value={signals.k}
          step={1}
          {...INTERVAL_RANGE}
          format={String}
        />
        <NumberField label="Seed" name="seed" value={signals.seed} {...SEED_RANGE} />
        <NumberField label="Images a batch" name="batch" value={signals.batch} {...BATCH_RANGE} />
        <NumberField label="Steps" name="steps" value={signals.steps} {...STEPS_RANGE} />
        <Choice
          label="Training images"
          name="images"
          value={signals.images}
          options={IMAGES.map((value) => ({ value, label: Number(value).toLocaleString('en') }))}
          hint="Files of 2,000 images, about 300 kB each, loaded when they are needed."
        />
        <Choice
          label="Engine"
          name="engine"
          value={signals.engine}
          options={[
            { value: 'auto', label: 'fastest here' },
            { value: 'webgpu', label: 'WebGPU' },
            { value: 'wasm', label: 'WASM' },
          ]}
        />
        <Slider
          label="Threads of WASM"
          name="threads"
          value={signals.threads}
          min={0}
          max={8}
          step={1}
          format={(value) => (value === 0 ? 'as many as it likes' : String(value))}
          hint="The same number gives the same bits."
        />
      </div>
    </details>
  );
}

/** Engine, speed and where both runs stand. */
export function Readings() {
  const engine = run.engine.value;
  const record = run.record.value;
  const extra = overhead(record.timing);
  return (
    <section aria-label="Readings" data-testid="readings">
      <table class="readings">
        <thead>
          <tr>
            <td />
            <th scope="col" class="tuned">
              Self-tuned
            </th>
            <th scope="col" class="fixed">
              Fixed
            </th>
          </tr>
        </thead>
        <tbody>
          <Row label="Training loss" value={(name) => number(record.losses[name].at(-1))} />
          <Row label="Test accuracy" value={accuracy} />
          <Row label="Learning rate" value={rate} />
          <Row label="Steps a second" value={(name) => number(stepsPerSecond(record.timing[name]), 3)} />
        </tbody>
      </table>
      <p class="field-hint">
        {extra === undefined
          ? 'What the meta-steps cost is measured after the first 20 steps.'
          : `The meta-steps add ${formatPercent(extra, 0)} to the time of a step.`}
      </p>
      <p class="field-hint" data-testid="engine">
        {engine === undefined ? 'WebGPU where there is one, else WASM.' : engineText(engine)}
      </p>
    </section>
  );

  function accuracy(name: RunName): string {
    const failed = record.failedAt[name];
    if (failed !== null) return `broke at ${failed}`;
    const last = record.evaluations.at(-1)?.accuracy[name];
    return last == null ? '–' : formatPercent(last);
  }

  function rate(name: RunName): string {
    if (name === 'tuned') return number(record.metaSteps.at(-1)?.rate);
    return number(run.settings.value?.rate ?? signals.rate.value);
  }
}

function Row({ label, value }: { readonly label: string; readonly value: (name: RunName) => string }) {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{value('tuned')}</td>
      <td>{value('fixed')}</td>
    </tr>
  );
}

function number(value: number | undefined, digits?: number): string {
  return value === undefined ? '–' : formatNumber(value, digits);
}
