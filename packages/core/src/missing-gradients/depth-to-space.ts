/** The gradient of `depthToSpace`: each block of space goes back to the channels it came from. */
import * as tf from '@tensorflow/tfjs-core';

export const depthToSpaceGradient: tf.GradConfig = {
  kernelName: 'DepthToSpace',
  gradFunc: (dy, _saved, attrs) => {
    const block = attrs['blockSize'] as number;
    const channelsFirst = attrs['dataFormat'] === 'NCHW';
    return {
      x: () => {
        const upstream = channelsFirst ? tf.transpose(dy as tf.Tensor4D, [0, 2, 3, 1]) : (dy as tf.Tensor4D);
        const [batch, height, width, channels] = upstream.shape;
        const blocks = tf.reshape(upstream, [batch, height / block, block, width / block, block, channels]);
        const depth = tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [
          batch,
          height / block,
          width / block,
          block * block * channels,
        ]);
        return channelsFirst ? tf.transpose(depth, [0, 3, 1, 2]) : depth;
      },
    };
  },
};
