/** The controls of the race: running it, what it is, and what one can take away. */
import { Button, ButtonRow } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { formatCount, formatNumber } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { StatusLine } from '../../ui/messages.js';
import { NumberField } from '../../ui/number-field.js';
import { Presets } from '../../ui/presets.js';
import { LogSlider, Slider } from '../../ui/slider.js';
import { RACERS } from './entrants.js';
import { run, state } from './page-state.js';
import { PRESETS } from './presets.js';
import { LOOKS } from './racer-looks.js';
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

export function Controls({ race }: { readonly race: Race }) {
  const { signals, current, apply } = state;
  const settings = current.value;
  const paused = run.paused.value;
  const start = { min: START_RANGE[0], max: START_RANGE[1] };
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
        <NumberField label="Start x" name="x" value={signals.x} decimal {...start} />
        <NumberField label="y" name="y" value={signals.y} decimal {...start} />
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
            label={<Lambda of="fsd" />}
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
