/** Runs a group of tests once for each way the kernels can be computed. Not published. */
import { afterAll, beforeAll, describe } from 'vitest';
import { chooseNativeBuild } from '../native/module.js';
import type { SimdChoice } from '../native/module.js';

/** The two builds of our module. */
export const nativeBuilds = ['relaxed', 'simd'] as const;

/** And without it. */
export const allBuilds = [...nativeBuilds, 'off'] as const;

/** `tests` registers the group's tests; start the backend in a `beforeAll` outside. */
export function describeBuilds(
  name: string,
  builds: readonly Exclude<SimdChoice, 'auto'>[],
  tests: (build: Exclude<SimdChoice, 'auto'>) => void,
): void {
  describe.each([...builds])(`${name}, build '%s'`, (build) => {
    beforeAll(() => {
      chooseNativeBuild(build);
    });
    afterAll(() => {
      chooseNativeBuild('auto');
    });
    tests(build);
  });
}
