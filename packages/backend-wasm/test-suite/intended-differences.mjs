// Tests of tfjs-core 4.22 that state a defect or a gap of TensorFlow.js, which this package fills. They must fail on ours.

/** By the test's name: what it asks for, and what we do instead. */
export const intendedDifferences = {
  'avgPool wasm {} gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    'It divides by the whole window at a padded border, while tf.avgPool itself averages over the inputs it meets. ' +
    'Ours is the derivative of tf.avgPool, by finite differences too.',
  'depthwiseConv2d gradients wasm {} throws error on dilations > 1':
    'The gradient of a dilated depthwise convolution is computed instead of refused.',
  'gradients wasm {} errors if relevant ops are missing grads':
    'Its example of an operation without a gradient is logicalAnd, which has one here: zero.',
};
