/** Page 2: a race on Rosenbrock's function between fixed rates, a learned rate, and learned preconditioners (Fig. 7 of the paper). */
import { batch, computed } from '@preact/signals';
import { Figure } from '../../ui/figure.js';
import { Legend } from '../../ui/legend.js';
import { LiveChart } from '../../ui/live-chart.js';
import { ErrorPanel, Notes } from '../../ui/messages.js';
import { Probe } from '../../ui/probe.js';
import { Controls } from './controls.js';
import { RACERS } from './entrants.js';
import { toFunction } from './landscape.js';
import type { Point } from './landscape.js';
import { run, state } from './page-state.js';
import { Plane } from './plane.js';
import { LOOKS, RATE_SERIES, VALUE_SERIES } from './racer-looks.js';
import type { Race } from './run.js';
import { START_RANGE } from './settings.js';
import { Explanation, raceInWords, StandingsTable } from './text.js';
import './rosenbrock.css';

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
      <div class="stage">
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

/** Steps that tests look at. */
const PROBED = [0, 10, 100, 800];

function probeOf({ run: count, settings, track, finished, best, tensors }: Race): unknown {
  return {
    run: count,
    settings,
    step: track.steps,
    finished,
    pace: run.pace.value,
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
