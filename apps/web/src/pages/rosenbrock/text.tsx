/** The table of the race, and what the page explains in prose. */
import { formatNumber } from '../../ui/format.js';
import { NumbersTable } from '../../ui/numbers-table.js';
import { axes } from './landscape.js';
import { LOOKS } from './racer-looks.js';
import { RACERS } from './entrants.js';
import type { RacerId } from './entrants.js';
import type { Race } from './run.js';

export function StandingsTable({ race }: { readonly race: Race }) {
  return (
    <NumbersTable label="How the race stands">
      <thead>
        <tr>
          <th scope="col">Racer</th>
          <th scope="col">f</th>
          <th scope="col">rate, or eigenvalues of P</th>
        </tr>
      </thead>
      <tbody>
        {RACERS.map((id) => (
          <tr key={id}>
            <th scope="row">
              <span class="swatch" style={{ background: `var(${LOOKS[id].color})` }} aria-hidden="true" />
              {LOOKS[id].label}
            </th>
            <td>{valueInWords(race, id)}</td>
            <td>{rateInWords(race, id)}</td>
          </tr>
        ))}
      </tbody>
    </NumbersTable>
  );
}

function valueInWords({ track }: Race, id: RacerId): string {
  const lost = track.lostAt(id);
  if (lost !== undefined) return `diverged at step ${lost}`;
  const moment = track.latest(id);
  return moment === undefined ? '–' : formatNumber(moment.value);
}

function rateInWords({ track }: Race, id: RacerId): string {
  const moment = track.latest(id);
  if (moment === undefined) return '–';
  const { large, small } = axes(moment.matrix);
  const isMatrix = id === 'full' || id === 'diagonal';
  return isMatrix ? `${formatNumber(large)}, ${formatNumber(small)}` : formatNumber(large);
}

/** The leaders in a sentence, for who cannot see the drawings. */
export function raceInWords({ track }: Race): string {
  const parts = RACERS.map((id) => {
    const lost = track.lostAt(id);
    const moment = track.latest(id);
    if (moment === undefined) return `${LOOKS[id].label} at its start`;
    return lost === undefined
      ? `${LOOKS[id].label} at f = ${formatNumber(moment.value)}`
      : `${LOOKS[id].label} lost at step ${lost}`;
  });
  return `After step ${track.steps}: ${parts.join('; ')}.`;
}

export function Explanation() {
  return (
    <section class="prose after-stage">
      <h2>What is learned</h2>
      <p>
        Before each step, the optimizer looks one step ahead, to <span class="math">θ′ = θ − P ∇f(θ)</span>,
        takes the gradient there, and moves P down the derivative of <span class="math">f(θ′)</span>. For
        SGD-APO, P is one number, the learning rate. No second derivative is computed, and yet the ellipse of
        the full P turns into the valley and stretches along it, towards the shape that Newton’s method would
        use, the inverse of the curvature.
      </p>
      <p>
        A rate has one number for both directions of the valley, and the curvature across it is 2,500 times
        the curvature along it: no rate is good for both. A diagonal P has two numbers, for the two axes of
        the plane. Turn the plane, and gradient descent takes the same path in the turned landscape; the
        diagonal does not. Only where the valley’s floor runs along an axis does it do as well as the full
        matrix.
      </p>
      <p>
        The best fixed rate is found by trying 201 of them from this very start, which nobody can afford in
        earnest. Dotted ellipses at the pointer are those of the Gauss–Newton matrix,{' '}
        <span class="math">(2JᵀJ)⁻¹</span>, at that place.
      </p>
    </section>
  );
}
