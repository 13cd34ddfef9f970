/**
 * The seed of every property test: fixed, so that a clean clone tests the same cases each time. APO_PROPERTY_SEED=random
 * looks for new ones (fast-check prints the seed of a failure), APO_PROPERTY_SEED=<integer> repeats them. A vitest set-up file.
 */
import fc from 'fast-check';

const given = process.env['APO_PROPERTY_SEED'] ?? '20220301';

if (given !== 'random') {
  const seed = Number(given);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`APO_PROPERTY_SEED is "${given}"; expected an integer or "random".`);
  }
  fc.configureGlobal({ seed });
}
