/** Page 1: the exact proximal step of a regression, with both penalties and with each alone (Fig. 1 of the paper). */
import { batch, computed } from '@preact/signals';
import { Choice } from '../../ui/choice.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { Figure } from '../../ui/figure.js';
import { formatNumber } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { Legend } from '../../ui/legend.js';
import { Notes } from '../../ui/messages.js';
import { Presets } from '../../ui/presets.js';
import type { Preset } from '../../ui/presets.js';
import { Probe } from '../../ui/probe.js';
import { LogSlider, Slider } from '../../ui/slider.js';
import { urlState } from '../../url/url-state.js';
import { createDrawing } from './family.js';
import type { FigureCurves, PanelCurves, PanelId } from './family.js';
import { Plot } from './plot.js';
import type { Target } from './plot.js';
import { createRegression, dot, EXAMPLES } from './regression.js';
import { LAMBDA_FSD_RANGE, LAMBDA_WSD_RANGE, settingsCodec, TARGET_RANGE } from './settings.js';
import type { ProximalSettings } from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { Equation, TermsTable } from './text.js';
import './proximal.css';

const PRESETS: readonly Preset<ProximalSettings>[] = [
  {
    name: 'A local correction',
    caption: 'Both terms: the network learns the example and keeps its answers elsewhere.',
    settings: {},
  },
  {
    name: 'Free weights',
    caption: 'Weights may go far: the bump narrows towards the spike of FSD alone.',
    settings: { lambdaWsd: 1e-5, lambdaFsd: 10 },
  },
  {
    name: 'Free predictions',
    caption: 'Predictions may go far: the bump widens towards the shift of WSD alone.',
    settings: { lambdaFsd: 0.1, lambdaWsd: 0.3, vary: 'fsd' },
  },
  {
    name: 'At the edge',
    caption: 'The last example, pulled down: a bump needs neighbours on one side only.',
    settings: { point: EXAMPLES.length - 1, y: -1.6, lambdaFsd: 3, lambdaWsd: 0.01 },
  },
];

/** Coarse enough for a test to read: every tenth drawn input, 0.2 apart. */
const PROBE_STRIDE = 10;

const regression = createRegression();
const drawing = createDrawing(regression);

export function ProximalPage() {
  const { signals, current, notes, apply } = state;
  const settings = current.value;
  const figure = curves.value;
  const shown = { point: settings.point, y: settings.y };
  const onMove = (move: (now: Target) => Target): void =>
    batch(() => {
      const { point, y } = move({ point: signals.point.peek(), y: signals.y.peek() });
      signals.point.value = point;
      signals.y.value = y;
    });
  const { both, wsd, fsd } = figure.panels;
  return (
    <>
      <h1>The proximal step</h1>
      <p class="lead">
        A network has learned the examples on the curve. Then one of them turns out to have another target.
        How far should the weights go to fit it? Drag the blue point and see.
      </p>
      <div class="stage">
        <div class="figures">
          <Notes notes={notes} />
          <Figure
            title="Both terms"
            caption={
              <>
                The thick line is the network after the step with the chosen weights, the broken line before
                it. The family shows the step for other values of <Lambda of={settings.vary} />. Drag the
                point, or focus it and use the arrow keys: up and down move its target, left and right choose
                another example.
              </>
            }
          >
            <div class="curve-key">
              <Legend
                items={[
                  { label: 'before', color: '--ink-soft', dash: [5, 4] },
                  { label: 'after', color: '--ink' },
                ]}
              />
              <Ramp curves={both} />
            </div>
            <Plot
              drawing={drawing}
              curves={both}
              ratio={0.56}
              handle={{ ...shown, onMove }}
              label={`The network before and after the step, with both terms. ${inWords(figure, 'both', settings)}`}
            />
          </Figure>
        </div>
        <div class="panel">
          <LogSlider
            label={
              <>
                <Lambda of="wsd" />, on the change of the weights
              </>
            }
            name="lambdaWsd"
            value={signals.lambdaWsd}
            min={LAMBDA_WSD_RANGE[0]}
            max={LAMBDA_WSD_RANGE[1]}
          />
          <LogSlider
            label={
              <>
                <Lambda of="fsd" />, on the change of the predictions
              </>
            }
            name="lambdaFsd"
            value={signals.lambdaFsd}
            min={LAMBDA_FSD_RANGE[0]}
            max={LAMBDA_FSD_RANGE[1]}
          />
          <Choice
            label="The family goes along"
            name="vary"
            value={signals.vary}
            options={[
              { value: 'wsd', label: <Lambda of="wsd" /> },
              { value: 'fsd', label: <Lambda of="fsd" /> },
            ]}
          />
          <Slider
            label={`Target at x = ${formatNumber(EXAMPLES[settings.point]!.x)}`}
            name="y"
            value={signals.y}
            min={TARGET_RANGE[0]}
            max={TARGET_RANGE[1]}
            step={0.05}
            format={(value) => formatNumber(value)}
          />
          <Presets presets={PRESETS} defaults={settingsCodec.defaults} current={settings} onApply={apply} />
          <CopyAsCode code={snippet(settings, residualOf(settings))} install={SNIPPET_INSTALL} />
        </div>
        <div class="figures">
          <div class="pair">
            <Figure
              title="WSD alone shifts the whole function"
              caption="Without the function-space term, the cheapest weights are those of the broadest units, and these carry every other prediction along."
            >
              <Ramp curves={wsd} />
              <Plot
                drawing={drawing}
                curves={wsd}
                ratio={0.72}
                handle={shown}
                label={inWords(figure, 'wsd', settings)}
              />
            </Figure>
            <Figure
              title="FSD alone carves a spike"
              caption="Without the weight-space term, any weights will do, and the network changes its answer at that one input and nowhere else."
            >
              <Ramp curves={fsd} />
              <Plot
                drawing={drawing}
                curves={fsd}
                ratio={0.72}
                handle={shown}
                label={inWords(figure, 'fsd', settings)}
              />
            </Figure>
          </div>
          <Figure title="The terms after the step">
            <TermsTable figure={figure} />
          </Figure>
        </div>
      </div>
      <Explanation />
      <Probe name="proximal" value={probeOf(settings, figure)} />
    </>
  );
}

const state = urlState(settingsCodec);
const curves = computed(() => drawing.curves(state.current.value));

function residualOf({ point, y }: ProximalSettings): number {
  return dot(regression.theta, regression.coordinates(EXAMPLES[point]!.x)) - y;
}

/** The colours of a family, and the values at its ends. */
function Ramp({ curves: { varied, family } }: { readonly curves: PanelCurves }) {
  return (
    <p class="ramp">
      <span>
        <Lambda of={varied} /> = {formatNumber(family[0]!.lambda)}
      </span>
      <span class="ramp-bar" aria-hidden="true" />
      <span>{formatNumber(family.at(-1)!.lambda)}</span>
    </p>
  );
}

function inWords({ panels }: FigureCurves, id: PanelId, { point, y }: ProximalSettings): string {
  const { x } = EXAMPLES[point]!;
  const at = drawing.xs.findIndex((other) => Math.abs(other - x) < 1e-9);
  const { values } = panels[id].chosen;
  const moved = values.map((value, i) => value - drawing.before[i]!);
  const far = moved.filter((_, i) => Math.abs(drawing.xs[i]! - x) > 1).map(Math.abs);
  return (
    `At x = ${formatNumber(x)} it goes from ${formatNumber(drawing.before[at]!)} to ${formatNumber(values[at]!)}, the target being ` +
    `${formatNumber(y)}; more than 1 away from there it moves by ${formatNumber(Math.max(...far))} at most.`
  );
}

function Explanation() {
  return (
    <section class="prose after-stage">
      <h2>What is minimised</h2>
      <Equation />
      <p>
        The loss is taken on the dragged example alone. The second term, the function-space discrepancy (FSD),
        asks 61 inputs, evenly spaced, whether their predictions have changed; the third, the weight-space
        discrepancy (WSD), asks the weights. The network has one hidden layer of Gaussian units of four
        widths, 129 weights for 21 examples, and only its output weights move. The objective is then
        quadratic, and what you see is its exact minimum, not the end of an iteration.
      </p>
      <p>
        With a linearised loss, the third term alone gives gradient descent, and the second alone, with its
        quadratic approximation, natural gradient descent and KFAC. Amortized Proximal Optimization takes this
        objective as the judge of any optimizer’s step, and moves the learning rate or the preconditioner down
        its gradient.
      </p>
    </section>
  );
}

function probeOf(settings: ProximalSettings, { lossBefore, panels }: FigureCurves): unknown {
  const coarse = (values: readonly number[]): number[] => values.filter((_, i) => i % PROBE_STRIDE === 0);
  const panel = (id: PanelId): unknown => {
    const { varied, family, chosen } = panels[id];
    return {
      varied,
      family: family.map(({ lambda, values, terms }) => ({ lambda, values: coarse(values), terms })),
      chosen: { lambda: chosen.lambda, values: coarse(chosen.values), terms: chosen.terms },
    };
  };
  return {
    settings,
    xs: coarse(drawing.xs),
    before: coarse(drawing.before),
    lossBefore,
    both: panel('both'),
    wsd: panel('wsd'),
    fsd: panel('fsd'),
  };
}
