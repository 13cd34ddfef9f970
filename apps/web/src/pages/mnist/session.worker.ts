/** The worker of the MNIST page: the session with a real engine and the site's own files. */
import { isApoError } from '@apo/core';
import { startEngine } from '../../worker/engine.js';
import type { EngineReport } from '../../worker/engine-report.js';
import { serve } from '../../worker/serve.js';
import type { MnistContract } from './contract.js';
import { MnistSession, TEST_IMAGES } from './session.js';
import type { MnistSettings } from './settings.js';
import { MnistLoader } from './shards.js';

let loader: MnistLoader | undefined;
let engine: Promise<EngineReport> | undefined;
let lost = false;

const session = new MnistSession({
  startEngine: (settings) => (engine ??= activate(settings)),
  loadData({ settings, dataUrl }, onLoaded) {
    loader ??= new MnistLoader(dataUrl);
    return loader.load({ train: Number(settings.images), test: TEST_IMAGES }, onLoaded);
  },
  send: (event) => served.send(event),
  fail(error) {
    // The loop stumbles over a lost device, which has been told of by itself.
    if (!lost) served.fail(error);
  },
});

const served = serve<MnistContract>({
  start: (request) => session.start(request),
  pause: () => session.pause(),
  resume: () => session.resume(),
  classify: (image) => session.classify(image),
  stop: () => session.stop(),
});

/** One engine a worker: the page takes a fresh worker for another one. */
function activate({ engine: choice, threads }: MnistSettings): Promise<EngineReport> {
  return startEngine({
    choice,
    threads,
    onLost(error) {
      lost = true;
      served.send({ type: 'lost', message: isApoError(error) ? error.message : String(error) });
    },
  }).catch((error: unknown) => {
    engine = undefined;
    throw error;
  });
}
