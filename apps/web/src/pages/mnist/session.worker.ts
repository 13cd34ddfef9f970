/** The worker of the MNIST page: the session with a real engine and the site's own files. */
import { MnistLoader } from '../../training/mnist-shards.js';
import { workerEngine } from '../../training/worker-engine.js';
import { serve } from '../../worker/serve.js';
import type { MnistContract } from './contract.js';
import { MnistSession, TEST_IMAGES } from './session.js';

let loader: MnistLoader | undefined;
const engine = workerEngine((message) => served.send({ type: 'lost', message }));

const session = new MnistSession({
  startEngine: ({ engine: choice, threads }) => engine.activate({ choice, threads }),
  loadData({ settings, dataUrl }, onLoaded) {
    loader ??= new MnistLoader(dataUrl);
    return loader.load({ train: Number(settings.images), test: TEST_IMAGES }, onLoaded);
  },
  send: (event) => served.send(event),
  fail(error) {
    if (!engine.isLost) served.fail(error);
  },
});

const served = serve<MnistContract>({
  start: (request) => session.start(request),
  pause: () => session.pause(),
  resume: () => session.resume(),
  classify: (image) => session.classify(image),
  stop: () => session.stop(),
});
