/** Three runs of one autoencoder from the same weights on the same batches. No loop and no messages: see session.ts. */
import * as tf from '@tensorflow/tfjs-core';
import { isApoError } from '@apo/core';
import type { BatchSource, SupervisedBatch } from '@apo/core';
import { pairedBatch, pooledImages } from '@apo/tasks';
import type { LabelledSplits, Rows } from '@apo/tasks';
import { createContender } from './contenders.js';
import type { Contender } from './contenders.js';
import { RUNS } from './contract.js';
import type { Breakdown, ByRun, LayerMatrices, Pictures, RunName, Timing } from './contract.js';
import { readMatrices } from './matrices.js';
import { BLOCK, layerOf } from './networks.js';
import type { RunSettings } from './settings.js';

/** Steps whose times are not counted: the engine compiles then. */
export const WARMING_UP = 5;
/** Test images on which the loss is measured. */
export const TEST_IMAGES = 500;

interface Runner extends Contender {
  readonly prefix: string;
  broken: Breakdown | null;
  timing: Timing;
}

let contests = 0;

export class Contest {
  /** Steps taken so far. */
  step = 0;
  /** One image of each digit `[10, 196]`, 0 … 255. */
  readonly examples: Uint8Array;
  private readonly runners: ByRun<Runner>;
  private readonly source: BatchSource<SupervisedBatch>;
  private readonly pictures: SupervisedBatch;
  private previous: SupervisedBatch | undefined;

  /** @throws ApoError as the network and the optimizers do; nothing is left then. */
  constructor(
    private readonly settings: RunSettings,
    data: LabelledSplits,
  ) {
    const id = ++contests;
    const rows = { train: pooledImages(data.train, BLOCK), test: pooledImages(data.test, BLOCK) };
    const runners = {} as Record<RunName, Runner>;
    try {
      for (const name of RUNS) {
        const prefix = `contest${id}/${name}`;
        const contender = createContender(name, prefix, settings, rows);
        runners[name] = { ...contender, prefix, broken: null, timing: { steps: 0, milliseconds: 0 } };
      }
      this.source = runners.momentum.task.trainSource(settings.seed, settings.batch);
    } catch (error) {
      Object.values(runners).forEach(disposeRunner);
      throw error;
    }
    this.runners = runners;
    const indices = oneOfEach(data.test.labels);
    this.examples = asBytes(rows.test, indices);
    this.pictures = pairedBatch({ inputs: rows.test, targets: rows.test }, indices);
  }

  get timing(): ByRun<Timing> {
    return byRun((name) => this.runners[name].timing);
  }

  get broken(): ByRun<Breakdown | null> {
    return byRun((name) => this.runners[name].broken);
  }

  /** Whether no run goes on. */
  get over(): boolean {
    return RUNS.every((name) => this.runners[name].broken !== null);
  }

  /**
   * Takes `count` steps of every run that has not broken down, one run after the other so that each is timed by itself, and reads
   * their losses. How steps are grouped changes nothing but the times.
   */
  async advance(count: number): Promise<ByRun<readonly number[]>> {
    const batches: SupervisedBatch[] = [];
    const losses: Record<RunName, readonly number[]> = { momentum: [], kfac: [], apo: [] };
    try {
      for (let i = 0; i < count; i++) batches.push(await this.source.next());
      for (const name of RUNS) losses[name] = await this.run(this.runners[name], batches);
    } finally {
      if (this.previous !== undefined) this.source.release(this.previous);
      this.previous = batches.pop();
      batches.forEach((batch) => this.source.release(batch));
    }
    this.step += count;
    return losses;
  }

  /** What the networks make of the examples, and their loss on test images. */
  async look(): Promise<Pictures> {
    const reconstructions = {} as Record<RunName, Uint8Array>;
    const testLoss = {} as Record<RunName, number | null>;
    for (const name of RUNS) {
      const { model, task, broken } = this.runners[name];
      const bytes = tf.tidy(() => tf.round(tf.mul(tf.sigmoid(model.predict(this.pictures.inputs)), 255)));
      reconstructions[name] = Uint8Array.from(await bytes.data());
      bytes.dispose();
      testLoss[name] = broken === null ? (await task.evaluate('test', TEST_IMAGES)).loss : null;
    }
    return { step: this.step, reconstructions, testLoss };
  }

  /** A, B and S of a layer, or of the last one where there are fewer. */
  matrices(layer: number): Promise<LayerMatrices> {
    const { optimizer, prefix } = this.runners.apo;
    return readMatrices(optimizer, prefix, layerOf(this.settings.network, layer).number);
  }

  /** The learned η; 0 before the first step. */
  async rate(): Promise<number> {
    return this.step === 0 ? 0 : (await this.runners.apo.optimizer.learningRates())['all']!;
  }

  /** Frees everything that the contest has made. */
  dispose(): void {
    RUNS.forEach((name) => disposeRunner(this.runners[name]));
    tf.dispose(this.pictures.inputs);
    if (this.previous !== undefined) this.source.release(this.previous);
  }

  /** The losses of the batches, up to the first that is not finite. */
  private async run(runner: Runner, batches: readonly SupervisedBatch[]): Promise<readonly number[]> {
    if (runner.broken !== null) return [];
    const { optimizer } = runner;
    const start = performance.now();
    const scalars: tf.Scalar[] = [];
    let failure: Breakdown | undefined;
    for (const [i, batch] of batches.entries()) {
      try {
        await optimizer.prepare?.(batch);
        const other = batches[i - 1] ?? this.previous ?? batch;
        scalars.push(optimizer.step(batch, other, { returnLoss: true })!);
      } catch (error) {
        if (!isApoError(error) || !['NON_FINITE', 'NUMERICAL'].includes(error.code)) {
          tf.dispose(scalars);
          throw error;
        }
        failure = { step: this.step + i + 1, reason: error.message };
        break;
      }
    }
    const losses = await readAll(scalars);
    if (this.step >= WARMING_UP) {
      const { steps, milliseconds } = runner.timing;
      const spent = performance.now() - start;
      runner.timing = { steps: steps + scalars.length, milliseconds: milliseconds + spent };
    }
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    runner.broken =
      bad === -1
        ? (failure ?? null)
        : {
            step: this.step + bad + 1,
            reason: `The loss is ${losses[bad]!} at step ${this.step + bad + 1}.`,
          };
    return bad === -1 ? losses : losses.slice(0, bad);
  }
}

/** Reads all at once. */
async function readAll(scalars: readonly tf.Scalar[]): Promise<number[]> {
  if (scalars.length === 0) return [];
  const stacked = tf.tidy(() => tf.stack([...scalars]));
  tf.dispose([...scalars]);
  const values = Array.from(await stacked.data());
  stacked.dispose();
  return values;
}

/** The first image of each digit. */
function oneOfEach(labels: Uint8Array): number[] {
  return Array.from({ length: 10 }, (_, digit) => labels.indexOf(digit)).filter((index) => index >= 0);
}

function asBytes({ values, width, unit = 1 }: Rows, indices: readonly number[]): Uint8Array {
  return Uint8Array.from(
    indices.flatMap((index) =>
      Array.from(values.subarray(index * width, (index + 1) * width), (value) =>
        Math.round((255 * value) / unit),
      ),
    ),
  );
}

function disposeRunner({ optimizer, task }: Runner): void {
  optimizer.dispose();
  task.dispose();
}

function byRun<T>(value: (name: RunName) => T): ByRun<T> {
  return { momentum: value('momentum'), kfac: value('kfac'), apo: value('apo') };
}
