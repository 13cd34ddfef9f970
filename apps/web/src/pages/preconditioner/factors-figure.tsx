/** A, B and S of one layer as they learn. */
import { computed } from '@preact/signals';
import { Choice } from '../../ui/choice.js';
import { Figure } from '../../ui/figure.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import type { Matrix } from './contract.js';
import { changeOf } from './matrix-facts.js';
import type { FactorName } from './matrix-facts.js';
import { MatrixPicture } from './matrix-picture.js';
import { layersOf } from './networks.js';
import { layer, run, settings } from './page-state.js';
import { RowFigure } from './row-figure.js';

const { signals } = settings;

/** As the form and the layer have it; undefined before the first report, and while another layer is on its way. */
const latest = computed(() => {
  const { matrices } = run.record.value;
  return matrices?.layer === layer.value.number ? matrices : undefined;
});

const shownMatrix = (name: FactorName) =>
  computed((): Matrix | undefined => {
    const matrix = latest.value?.[name];
    return matrix === undefined || signals.shown.value === 'value' ? matrix : changeOf(name, matrix);
  });

export const matrices = { A: shownMatrix('A'), B: shownMatrix('B'), S: shownMatrix('S') } as const;

export function FactorsFigure() {
  const { number, rows, columns, inputs, outputs } = layer.value;
  const shown = signals.shown.value;
  return (
    <Figure
      title="The factors of one layer"
      caption={
        <>
          The step of this layer is <i class="math">η B (S² ⊙ BᵀGA) Aᵀ</i>, with its gradient{' '}
          <i class="math">G</i>. <i class="math">A</i> mixes the outputs of the layer, <i class="math">B</i>{' '}
          its inputs (the bias is the last one), and <i class="math">S</i> has one number for each weight. At
          the start <i class="math">A</i> and <i class="math">B</i> are the identity and <i class="math">S</i>{' '}
          is 1 everywhere.{' '}
          {signals.form.value === 'low-rank' &&
            'Of low rank, A and B are kept as I + U Vᵀ; what is shown is that product. '}
          Half a per cent of the entries may lie beyond the ends of the scale.
        </>
      }
    >
      <div class="factors-head">
        <LayerChoice />
        <Choice
          label="Show"
          name="shown"
          value={signals.shown}
          options={[
            { value: 'change', label: 'change since the start' },
            { value: 'value', label: 'entries' },
          ]}
        />
      </div>
      <div class="matrices">
        <MatrixPicture
          name="A"
          sides="outputs"
          matrix={matrices.A}
          shown={shown}
          rows={columns}
          columns={columns}
        />
        <MatrixPicture name="B" sides="inputs" matrix={matrices.B} shown={shown} rows={rows} columns={rows} />
        <MatrixPicture
          name="S"
          sides="inputs × outputs"
          matrix={matrices.S}
          shown={shown}
          rows={rows}
          columns={columns}
        />
      </div>
      <p class="status" data-testid="layer">
        Layer {number}, {inputs} → {outputs}:{' '}
        {latest.value === undefined
          ? 'no run yet.'
          : `η = ${formatNumber(latest.value.rate)} after ${formatCount(latest.value.step, 'step')}.`}
      </p>
      <RowFigure />
    </Figure>
  );
}

/** Radio buttons need text values; the setting is a number. */
function LayerChoice() {
  return (
    <fieldset class="choice">
      <legend>Layer</legend>
      <div class="choice-options">
        {layersOf(signals.network.value).map(({ number, inputs, outputs }) => (
          <label class="choice-option" key={number}>
            <input
              type="radio"
              name="layer"
              value={String(number)}
              data-setting="layer"
              checked={layer.value.number === number}
              onChange={() => (signals.layer.value = number)}
            />
            <span>{`${inputs} → ${outputs}`}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
