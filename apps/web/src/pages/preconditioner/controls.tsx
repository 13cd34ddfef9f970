/** The controls of the page: what runs, and with which numbers. */
import { Choice } from '../../ui/choice.js';
import { formatNumber } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { NumberField } from '../../ui/number-field.js';
import { Presets } from '../../ui/presets.js';
import { LogSlider, Slider } from '../../ui/slider.js';
import { settings } from './page-state.js';
import { PRESETS } from './presets.js';
import {
  ADAPTATION_RANGE,
  BATCH_RANGE,
  codec,
  FSD_RANGE,
  IMAGES,
  INITIAL_RATE_RANGE,
  INTERVAL_RANGE,
  RATE_RANGE,
  SEED_RANGE,
  STEPS_RANGE,
  WSD_RANGE,
} from './settings.js';

const { signals } = settings;

export function MainControls() {
  return (
    <>
      <Choice
        label="Network"
        name="network"
        value={signals.network}
        options={[
          { value: 'small', label: '196-64-16-64-196' },
          { value: 'deep', label: '196-100-50-25-10-…' },
        ]}
      />
      <Choice
        label="Form of P"
        name="form"
        value={signals.form}
        options={[
          { value: 'full', label: 'full' },
          { value: 'low-rank', label: 'rank 16' },
        ]}
      />
      <Choice
        label="Learned scale η"
        name="scale"
        value={signals.scale}
        options={[
          { value: 'layer', label: 'one a layer' },
          { value: 'global', label: 'one in all' },
        ]}
      />
      <LogSlider
        label="Rate at which A, B and S move"
        name="adaptation"
        value={signals.adaptation}
        {...ADAPTATION_RANGE}
      />
      <LogSlider label="Rate of momentum" name="momentumRate" value={signals.momentumRate} {...RATE_RANGE} />
      <LogSlider
        label="Rate of KFAC"
        name="kfacRate"
        value={signals.kfacRate}
        {...RATE_RANGE}
        hint="Its steps are shortened by a KL clip of 0.01, too."
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
        <LogSlider
          label={
            <>
              <Lambda of="fsd" />, weight of the change of the predictions
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
              <Lambda of="wsd" />, weight of the change of the weights
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
          hint="P has to move as fast as η early on, so K = 1 here."
        />
        <LogSlider
          label="Initial η"
          name="initialRate"
          value={signals.initialRate}
          perDecade={10}
          withZero
          {...INITIAL_RATE_RANGE}
          format={(rate) => (rate === 0 ? 'found' : formatNumber(rate))}
          hint="At the left end it is found on the first batch."
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
            { value: 'wasm', label: 'WASM' },
            { value: 'webgpu', label: 'WebGPU' },
            { value: 'auto', label: 'WebGPU if there is one' },
          ]}
          hint="These matrices are too small to keep a GPU busy."
        />
      </div>
    </details>
  );
}
