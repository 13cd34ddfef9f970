/** A page that does not have tfjs-wasm's files where it says. In a file of its own: tfjs-wasm takes no paths after that. */
import { afterEach, expect, it, vi } from 'vitest';
import { restart } from './restart.js';

afterEach(() => vi.restoreAllMocks());

it('files that are not there are an error, not a wait, and so is the next attempt', async () => {
  // TensorFlow.js and its module say what they tried.
  const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  const error = vi.spyOn(console, 'error').mockReturnValue(undefined);
  await expect(restart({ wasmPaths: '/nowhere/', threads: 1 })).rejects.toMatchObject({
    name: 'ApoError',
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringMatching(/could not be started.*wasmPaths/) as string,
  });
  expect(warn.mock.calls.length + error.mock.calls.length).toBeGreaterThan(0);
  await expect(restart({ wasmPaths: '/elsewhere/', threads: 1 })).rejects.toMatchObject({
    name: 'ApoError',
    code: 'BACKEND_UNAVAILABLE',
  });
});
