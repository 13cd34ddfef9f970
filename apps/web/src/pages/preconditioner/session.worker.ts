/** The worker of the page: the session with a real engine and the site's own files. */
import { isApoError } from '@apo/core';
import { startEngine } from '../../worker/engine.js';
import type { EngineReport } from '../../worker/engine-report.js';
import { serve } from '../../worker/serve.js';
import { MnistLoader } from '../mnist/shards.js';
import { TEST_IMAGES } from './contest.js';
import type { PreconditionerContract } from './contract.js';
import { PreconditionerSession } from './session.js';

let loader: MnistLoader | undefined;
let engine: Promise<EngineReport> | undefined;
let lost = false;

const session = new PreconditionerSession({
  startEngine: ({ engine: choice }) =>
    (engine ??= startEngine({
      choice,
      onLost(error) {
        lost = true;
        served.send({ type: 'lost', message: isApoError(error) ? error.message : String(error) });
      },
    }).catch((error: unknown) => {
      engine = undefined;
      throw error;
    })),
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

const served = serve<PreconditionerContract>({
  start: (request) => session.start(request),
  pause: () => session.pause(),
  resume: () => session.resume(),
  watch: (layer) => session.watch(layer),
  stop: () => session.stop(),
});
