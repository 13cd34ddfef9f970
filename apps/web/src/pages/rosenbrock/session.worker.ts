/** Races on the plain JavaScript engine of TensorFlow.js, which is the fastest for two numbers, at the speed that the page asks for. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { serve } from '../../worker/serve.js';
import type { FixedRate } from './best-rate.js';
import type { RosenbrockContract, StartRequest } from './contract.js';
import { Race } from './race.js';
import { Recorder } from './recorder.js';

/** Milliseconds between two reports, and how many of them steps may take: calls must get through. */
const FRAME = 50;
const BUSY = 35;

interface Session {
  readonly run: number;
  readonly recorder: Recorder;
  /** Steps that are due, with their fraction. */
  due: number;
}

const served = serve<RosenbrockContract>({ start, pace, step });
const ready = tf.setBackend('cpu');
let session: Session | undefined;
let speed = 0;
let last = performance.now();

async function start({ run, settings, speed: asked }: StartRequest): Promise<FixedRate> {
  await ready;
  session?.recorder.dispose();
  // Nothing is left to go on with where the new race cannot be set up.
  session = undefined;
  session = { run, recorder: new Recorder(new Race(settings)), due: 0 };
  pace(asked);
  report();
  return session.recorder.race.best;
}

function pace(asked: number): void {
  speed = asked;
  last = performance.now();
  if (session !== undefined) session.due = 0;
}

function step(count: number): void {
  session?.recorder.advance(count);
  report();
}

/** Takes the steps that have become due. What a slow machine cannot do in time is not made up for. */
function frame(): void {
  const now = performance.now();
  const elapsed = (now - last) / 1000;
  last = now;
  if (session !== undefined && speed > 0 && !session.recorder.race.finished) {
    session.due = Math.min(session.due + elapsed * speed, speed);
    const whole = Math.floor(session.due);
    const before = session.recorder.race.steps;
    session.recorder.advance(whole, () => performance.now() - now > BUSY);
    const taken = session.recorder.race.steps - before;
    session.due = taken < whole ? 0 : session.due - taken;
    if (taken > 0) report();
  }
}

function report(): void {
  if (session === undefined) return;
  const { run, recorder } = session;
  const chunk = recorder.take();
  const transfer = Object.values(chunk.rows).map(({ buffer }) => buffer);
  const { finished } = recorder.race;
  served.send({ type: 'progress', run, chunk, finished, tensors: tf.memory().numTensors }, transfer);
}

setInterval(() => {
  try {
    frame();
  } catch (error) {
    session = undefined;
    served.fail(error);
  }
}, FRAME);
