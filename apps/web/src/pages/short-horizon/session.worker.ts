/** Runs the page's sessions on the plain JavaScript engine of TensorFlow.js: tensors of a few hundred numbers gain nothing from another one. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { nextTask } from '../../training/next-task.js';
import { serve } from '../../worker/serve.js';
import type { RunReport, RunRequest, ShortHorizonContract } from './contract.js';
import { ShortHorizonSession } from './session.js';
import { viewpointOf } from './settings.js';

/** Milliseconds of steps between two reports. */
const FRAME = 50;
/** Reports between two of the slower ones. */
const FRAMES_PER_CURVES = 5;

const served = serve<ShortHorizonContract>({ run });
const started = tf.setBackend('cpu');
let latest = -1;

async function run({ run: id, settings }: RunRequest): Promise<RunReport> {
  latest = id;
  await started;
  const session = new ShortHorizonSession(settings);
  let milliseconds = 0;
  try {
    for (let frame = 0; latest === id && session.steps < settings.steps; frame++) {
      const start = performance.now();
      const progress = session.advance(() => performance.now() - start >= FRAME);
      milliseconds += performance.now() - start;
      served.send({ type: 'progress', run: id, progress });
      if (frame % FRAMES_PER_CURVES === 0 || session.steps === settings.steps) sendCurves(id, session);
      await nextTask();
    }
  } finally {
    session.dispose();
  }
  return { finished: latest === id, milliseconds, tensors: tf.memory().numTensors };
}

function sendCurves(run: number, session: ShortHorizonSession): void {
  const curves = session.horizons(viewpointOf(session.settings.loss));
  if (curves !== undefined) served.send({ type: 'horizons', run, curves });
}
