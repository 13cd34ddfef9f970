/** Page 2: a race on Rosenbrock's function between fixed rates, a learned rate, and learned preconditioners (Fig. 7 of the paper). */
import { batch, computed } from '@preact/signals';
import { Button, ButtonRow } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { Figure } from '../../ui/figure.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import { ErrorPanel, Notes, StatusLine } from '../../ui/messages.js';
import { Presets } from '../../ui/presets.js';
import { Probe } from '../../ui/probe.js';
import { LogSlider, Slider } from '../../ui/slider.js';
import { urlState } from '../../url/url-state.js';
import { CoordinateField } from './coordinate-field.js';
import { toFunction } from './landscape.js';
import type { Point } from './landscape.js';
import { Plane } from './plane.js';
import { PRESETS } from './presets.js';
import { LOOKS, RATE_SERIES, VALUE_SERIES } from './racer-looks.js';
import { RACERS } from './racers.js';
import { startRace } from './run.js';
import type { Race } from './run.js';
import {
  LAMBDAS,
  RATE_RANGE,
  ROTATION_RANGE,
  SCALE_RANGE,
  settingsCodec,
  SPEED_RANGE,
  START_RANGE,
  STEP_COUNTS,
} from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { Explanation, raceInWords, StandingsTable } from './text.js';
import './rosenbrock.css';

const state = urlState(settingsCodec);
const run = startRace(state.current, matchMedia('(prefers-reduced-motion: reduce)').matches);

const values = computed(() => run.race.value.track.values());
const rates = computed(() => run.race.value.track.rates());

/** The racers whose paths are drawn, once. */
const NAMES = RACERS.map((id) => LOOKS[id]);

export function RosenbrockPage() {
  const race = run.race.value;
  const total = Number(race.settings.steps);
  const words = raceInWords(race);
  return (
    <>
      <h1>A race in a curved valley</h1>
      <p class="lead">
        Rosenbrock’s function has its minimum at the end of a narrow, bent valley. Two fixed learning rates, a
        learned rate and two learned preconditioners start from the same point. Click anywhere to start from
        there.
      </p>
      <div class="stage race-stage">
        <div class="figures">
          <Notes notes={state.notes} />
          {run.failure.value !== undefined && (
            <ErrorPanel
              title="The race has stopped"
              failure={run.failure.value}
              onRetry={() => run.retry()}
            />
          )}
          <Figure
            title="The valley"
            caption="The cross is the minimum, the dotted line the floor of the valley; lines of equal f are half a power of ten apart. Ellipses show how far a learned P lets a step go in each direction: at its racer, and at the pointer."
          >
            <Legend items={NAMES} />
            <Plane
              race={run.race}
              rotation={state.signals.rotation}
              onStart={startFrom}
              label={`Contour lines of Rosenbrock’s function and the paths of five optimizers. ${words}`}
            />
          </Figure>
        </div>
        <Controls race={race} />
        <div class="figures">
          <Figure title="How the race stands">
            <StandingsTable race={race} />
          </Figure>
          <Figure
            title="Loss"
            caption="f after each step. Float32 ends near 10⁻¹³: below, positions cannot be told apart."
          >
            <LiveChart
              data={values}
              series={VALUE_SERIES}
              xLabel="step"
              yLabel="f"
              yScale="log"
              xRange={[0, total]}
              height={280}
              summary={`f against the step. ${words}`}
            />
          </Figure>
          <Figure
            title="Learning rates"
            caption="Of a preconditioner, both eigenvalues of P: the larger as a full line, the smaller as a broken one. At a fixed or learned rate η, P is η times the identity."
          >
            <LiveChart
              data={rates}
              series={RATE_SERIES}
              xLabel="step"
              yLabel="rate"
              yScale="log"
              xRange={[0, total]}
              summary="Learning rates and eigenvalues of P against the step; the table has the latest."
            />
          </Figure>
        </div>
      </div>
      <Explanation />
      <Probe name="race" value={probeOf(race)} />
    </>
  );
}

function Controls({ race }: { readonly race: Race }) {
  const { signals, current, apply } = state;
  const settings = current.value;
  const paused = run.paused.value;
  const automatic = settings.preset === 'auto';
  return (
    <div class="panel">
      <StatusLine>{statusOf(race, paused)}</StatusLine>
      <p class="race-step number">
        Step {race.track.steps.toLocaleString('en')} of {Number(race.settings.steps).toLocaleString('en')}
      </p>
      <ButtonRow>
        <Button primary name="pause" disabled={race.finished} onClick={() => run.setPaused(!paused)}>
          {paused ? 'Run' : 'Pause'}
        </Button>
        <Button name="step" disabled={race.finished} onClick={() => run.step()}>
          Step
        </Button>
        <Button name="reset" onClick={() => run.reset()}>
          Reset
        </Button>
      </ButtonRow>
      <LogSlider
        label="Speed"
        name="speed"
        value={signals.speed}
        min={SPEED_RANGE[0]}
        max={SPEED_RANGE[1]}
        perDecade={10}
        format={(value) => `${formatNumber(value)} steps/s`}
      />
      <Slider
        label="Turn the function by"
        name="rotation"
        value={signals.rotation}
        min={ROTATION_RANGE[0]}
        max={ROTATION_RANGE[1]}
        step={0.2}
        format={(value) => `${formatNumber(value)}°`}
        hint="The start turns with it."
      />
      <div class="coordinates">
        <CoordinateField label="Start x" name="x" value={signals.x} range={START_RANGE} />
        <CoordinateField label="y" name="y" value={signals.y} range={START_RANGE} />
      </div>
      <LogSlider
        label="Your fixed rate"
        name="rate"
        value={signals.rate}
        min={RATE_RANGE[0]}
        max={RATE_RANGE[1]}
        hint={bestInWords(race)}
      />
      <Presets
        presets={PRESETS}
        defaults={settingsCodec.defaults}
        current={{ ...settings, speed: settingsCodec.defaults.speed }}
        onApply={(chosen) => apply({ ...chosen, speed: settings.speed })}
      />
      <details class="more">
        <summary>Settings of the learners</summary>
        <div class="more-fields">
          <Choice
            label="Preset"
            name="preset"
            value={signals.preset}
            options={[
              { value: 'paper', label: 'paper' },
              { value: 'auto', label: 'auto' },
            ]}
            hint="paper: Algorithm 1 as written. auto: initial rates are found on the first step, bad meta-steps undone."
          />
          <Choice
            label={
              <span class="math">
                λ<sub>FSD</sub>
              </span>
            }
            name="lambdaFsd"
            value={signals.lambdaFsd}
            options={LAMBDAS.map((value) => ({ value, label: value }))}
          />
          <LogSlider
            label="Initial rate of SGD-APO"
            name="initialRate"
            value={signals.initialRate}
            min={RATE_RANGE[0]}
            max={RATE_RANGE[1]}
            disabled={automatic}
          />
          <LogSlider
            label="Initial P, as a multiple of I"
            name="initialScale"
            value={signals.initialScale}
            min={SCALE_RANGE[0]}
            max={SCALE_RANGE[1]}
            disabled={automatic}
          />
          <Choice
            label="Steps"
            name="steps"
            value={signals.steps}
            options={STEP_COUNTS.map((value) => ({ value, label: Number(value).toLocaleString('en') }))}
          />
        </div>
      </details>
      <CopyAsCode code={snippet(settings)} install={SNIPPET_INSTALL} />
      <ButtonRow>
        <Button name="download" onClick={() => downloadJson('rosenbrock-race.json', downloadOf(race))}>
          Download the race
        </Button>
      </ButtonRow>
    </div>
  );
}

/** To two decimals, so that the address stays short. */
function startFrom(place: Point): void {
  const { signals } = state;
  const legal = (value: number): number =>
    Math.round(100 * Math.min(START_RANGE[1], Math.max(START_RANGE[0], value))) / 100;
  const [x, y] = toFunction(place, signals.rotation.value);
  batch(() => {
    signals.x.value = legal(x);
    signals.y.value = legal(y);
  });
}

function bestInWords({ best, settings }: Race): string {
  if (best === undefined) return 'Looking for the best one.';
  return `The best for this start and ${formatCount(Number(settings.steps), 'step')} is ${formatNumber(best.rate)}.`;
}

function statusOf({ finished, best, track }: Race, paused: boolean): string {
  if (best === undefined) return 'The race is being set up.';
  if (!finished) return paused ? 'The race is paused.' : 'The race is on.';
  const arrived = RACERS.flatMap((id) => {
    const value = track.at(id, track.steps)?.value;
    return value === undefined ? [] : [{ id, value }];
  }).toSorted((one, other) => one.value - other.value);
  const [first] = arrived;
  if (first === undefined) return 'The race is over: everybody has diverged.';
  return `The race is over. ${LOOKS[first.id].label} is ahead with f = ${formatNumber(first.value)}.`;
}

function downloadOf({ settings, track, best }: Race): unknown {
  const steps = Array.from({ length: track.steps + 1 }, (_, step) => step);
  return {
    settings,
    bestFixedRate: best,
    racers: Object.fromEntries(RACERS.map((id) => [id, steps.map((step) => track.at(id, step) ?? null)])),
  };
}

/** Steps that tests look at. */
const PROBED = [0, 10, 100, 800];

function probeOf({ run: count, settings, track, finished, best, tensors }: Race): unknown {
  return {
    run: count,
    settings,
    step: track.steps,
    finished,
    best,
    tensors,
    racers: Object.fromEntries(
      RACERS.map((id) => [
        id,
        {
          latest: track.latest(id),
          lostAt: track.lostAt(id),
          at: Object.fromEntries(PROBED.map((step) => [step, track.at(id, step)?.value])),
        },
      ]),
    ),
  };
}
