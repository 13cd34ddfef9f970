/** The worker of the page: the session with a real engine and the site's own files. */
import { MnistLoader } from '../../training/mnist-shards.js';
import { workerEngine } from '../../training/worker-engine.js';
import { serve } from '../../worker/serve.js';
import { TEST_IMAGES } from './contest.js';
import type { PreconditionerContract } from './contract.js';
import { PreconditionerSession } from './session.js';

let loader: MnistLoader | undefined;
const engine = workerEngine((message) => served.send({ type: 'lost', message }));

const session = new PreconditionerSession({
  startEngine: ({ engine: choice }) => engine.activate({ choice }),
  loadData({ settings, dataUrl }, onLoaded) {
    loader ??= new MnistLoader(dataUrl);
    return loader.load({ train: Number(settings.images), test: TEST_IMAGES }, onLoaded);
  },
  send: (event) => served.send(event),
  fail(error) {
    if (!engine.isLost) served.fail(error);
  },
});

const served = serve<PreconditionerContract>({
  start: (request) => session.start(request),
  pause: () => session.pause(),
  resume: () => session.resume(),
  watch: (layer) => session.watch(layer),
  stop: () => session.stop(),
});
