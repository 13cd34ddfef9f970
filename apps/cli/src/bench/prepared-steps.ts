/** What a meter runs again and again. */
import type * as tf from '@tensorflow/tfjs-core';

export interface PreparedSteps {
  /** One step; the scalar, where there is one, is what it left to wait for, and belongs to the caller. */
  readonly step: () => tf.Scalar | undefined;
  /** What the next step needs from a device, waited for; a step does it itself where this was not called. */
  readonly readAhead?: () => Promise<void>;
  dispose(): void;
}
