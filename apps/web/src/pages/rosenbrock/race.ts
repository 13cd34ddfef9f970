/** The race itself: every racer on its own copy of the function, one step each at a time, and what the page shows of them as plain numbers. */
import type { Optimizer } from '@apo/core';
import { bestFixedRate } from './best-rate.js';
import type { FixedRate } from './best-rate.js';
import { axes, toFunction, toPlane, valueAt } from './landscape.js';
import type { Point, Symmetric } from './landscape.js';
import { turnedObjective } from './objective.js';
import type { TurnedObjective } from './objective.js';
import { RACERS } from './entrants.js';
import { racer } from './racers.js';
import type { RacerId } from './entrants.js';
import type { RosenbrockSettings } from './settings.js';

/** One racer after one step. */
export interface Standing {
  readonly place: Point;
  /** f there, computed in float64. */
  readonly value: number;
  /** P of the step, in the plane's coordinates: θ′ = θ − P g. At a learning rate η it is η I. */
  readonly matrix: Symmetric;
  /** Eigenvalues of P. */
  readonly large: number;
  readonly small: number;
}

/** Of everybody who races and has not diverged. */
export type Standings = Readonly<Partial<Record<RacerId, Standing>>>;

/** Beyond this f, a racer has left for good. */
const LOST = 1e12;

interface Runner {
  readonly problem: TurnedObjective;
  readonly optimizer: Optimizer<null>;
  lost: boolean;
}

/** Variables have unique names in a program. */
let races = 0;

export class Race {
  readonly best: FixedRate;
  private readonly runners: ReadonlyMap<RacerId, Runner>;
  private stepCount = 0;

  /** Needs an engine of TensorFlow.js; `cpu` is the fastest for two numbers. */
  constructor(
    readonly settings: RosenbrockSettings,
    racers: readonly RacerId[] = RACERS,
  ) {
    const { x, y, rotation, steps } = settings;
    this.best = bestFixedRate([x, y], Number(steps));
    const start = toPlane([x, y], rotation);
    const prefix = `race${races++}`;
    const runner = (id: RacerId): Runner => {
      const problem = turnedObjective(start, rotation, `${prefix}-${id}`);
      return { problem, optimizer: racer(id, problem.objective, settings, this.best), lost: false };
    };
    this.runners = new Map(racers.map((id) => [id, runner(id)]));
  }

  get steps(): number {
    return this.stepCount;
  }

  get finished(): boolean {
    const everybodyIsLost = [...this.runners.values()].every(({ lost }) => lost);
    return this.stepCount >= Number(this.settings.steps) || everybodyIsLost;
  }

  standings(): Standings {
    const all = [...this.runners].map(([id, runner]) => [id, this.standing(runner)] as const);
    return Object.fromEntries(all.filter(([, standing]) => standing !== undefined));
  }

  /** One step of every racer that, when last looked at, was still there. */
  step(): void {
    for (const { optimizer, lost } of this.runners.values()) {
      if (!lost) optimizer.step(null);
    }
    this.stepCount++;
  }

  dispose(): void {
    for (const { optimizer, problem } of this.runners.values()) {
      optimizer.dispose();
      problem.dispose();
    }
  }

  private standing(runner: Runner): Standing | undefined {
    if (runner.lost) return undefined;
    const [x, y] = runner.problem.place.dataSync();
    const place: Point = [x!, y!];
    const value = valueAt(toFunction(place, this.settings.rotation));
    runner.lost = !(value < LOST);
    if (runner.lost) return undefined;
    const matrix = preconditionerOf(runner.optimizer);
    const { large, small } = axes(matrix);
    return { place, value, matrix, large, small };
  }
}

/** P from what an optimizer would save: η I, η C Cᵀ, or η diag(S²). */
function preconditionerOf(optimizer: Optimizer<null>): Symmetric {
  const { tensors } = optimizer.state();
  const entry = (ending: string): readonly number[] | undefined => {
    const name = Object.keys(tensors).find((key) => key.startsWith('rule/phi/') && key.endsWith(ending));
    return name === undefined ? undefined : Array.from(tensors[name]!.dataSync());
  };
  const rate = Math.exp(entry('logLearningRate')?.[0] ?? 0);
  const factor = entry('.C');
  if (factor !== undefined) {
    const [p, q, r, s] = factor as [number, number, number, number];
    return [rate * (p * p + q * q), rate * (p * r + q * s), rate * (r * r + s * s)];
  }
  const [first, second] = entry('.S') ?? [1, 1];
  return [rate * first! ** 2, 0, rate * second! ** 2];
}
