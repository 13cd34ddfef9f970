// The test of tfjs-core 4.22 that states a defect of TensorFlow.js, which this package puts right. It must fail on ours.

/** By the test's name: what it asks for, and what we do instead. */
export const intendedDifferences = {
  'avgPool wasm {} gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    'It divides by the whole window at a padded border, while tf.avgPool itself averages over the inputs it meets. ' +
    "Ours is the derivative of tf.avgPool; test/finite-differences.test.ts takes differences of that test's own call.",
};
