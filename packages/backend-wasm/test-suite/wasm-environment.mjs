// Tells tfjs-core's test helpers that every test runs once, on the backend `wasm`; evaluated before the test files register.
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';

setTestEnvs([{ name: 'wasm', backendName: 'wasm', isDataSync: true }]);
