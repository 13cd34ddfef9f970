/** What a forward pass changes besides what it returns, and how a step that is not taken gives it back. */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '@apo/core';

/** The random generator and an objective's state variables (BatchNorm averages) as they were before a pass. Ends with `putBack` or `dispose`. */
export class BeforePass {
  readonly randomState: readonly number[];
  private readonly values: readonly tf.Tensor[];
  private left: readonly object[] | undefined;

  constructor(
    private readonly random: Random,
    private readonly variables: readonly tf.Variable[],
  ) {
    this.randomState = random.state();
    // Where the engine shares data between tensors this copies nothing.
    this.values = variables.map((variable) => tf.keep(tf.clone(variable as tf.Tensor)));
  }

  /** The pass is over. What somebody else assigns to a variable from now on is left as it is. */
  passed(): void {
    this.left = this.variables.map(({ dataId }) => dataId);
  }

  putBack(): void {
    this.random.restore(this.randomState);
    this.variables.forEach((variable, i) => {
      const isOurs = this.left === undefined || this.left[i] === variable.dataId;
      if (isOurs && !variable.isDisposed) variable.assign(this.values[i]!);
    });
    this.dispose();
  }

  dispose(): void {
    tf.dispose([...this.values]);
  }
}
