/** The blocks of one step whose gradient came with the layers: those that can, work on the rows X̄ and Δ instead of on G. */
import * as tf from '@tensorflow/tfjs-core';
import type { CapturedLayers, LayerFilter, TensorMap } from '@apo/core';
import type { Block } from './blocks/block.js';
import { layerRows } from './layer-rows.js';
import type { PlacedBlock } from './partition.js';

/** An entry of the direction: 1, or by what the step was lengthened or shortened since. Without it a direction is no X̄ᵀΔ. */
const LENGTH = 'precondition:length';

/** Those whose block takes fewer operations over so many rows, in a step or in its vector–Jacobian product; `undefined` where none can. */
export function wantedLayers(list: readonly PlacedBlock[]): LayerFilter | undefined {
  const blocks = new Map(
    list.flatMap(({ layout, block }) => (block.flopsAt ? [[layout.variables[0]!.name, block]] : [])),
  );
  if (blocks.size === 0) return undefined;
  return (kernel, rows) => {
    const block = blocks.get(kernel);
    const counts = block?.flopsAt?.(rows);
    return (
      block !== undefined &&
      counts !== undefined &&
      (counts.flops < block.flops || counts.gradientFlops < block.gradientFlops)
    );
  };
}

export interface LayerBlocks {
  /** The gradients as a direction: marked as the ones that the layers gave, if they are. */
  mark(gradients: TensorMap): TensorMap;
  /** The blocks for a direction that `mark` has made; the given list for any other. Run inside `tf.tidy`. */
  at(list: readonly PlacedBlock[], direction: TensorMap): readonly PlacedBlock[];
}

/** `undefined` when no block of `list` has a better form for these layers. Run inside `tf.tidy`, to which the rows belong. */
export function layerBlocks(
  list: readonly PlacedBlock[],
  { gradients, uses }: CapturedLayers,
): LayerBlocks | undefined {
  const forms = list.map((placed) => rowsForm(placed, uses));
  if (forms.every((form) => form === undefined)) return undefined;
  const names = list.flatMap(({ layout }, i) => (forms[i] ? layout.variables.map(({ name }) => name) : []));
  return {
    mark: (given) =>
      names.every((name) => given[name] === gradients[name]) ? { ...given, [LENGTH]: tf.scalar(1) } : given,
    at(blocks, direction) {
      const length = direction[LENGTH];
      if (length === undefined) return blocks;
      return blocks.map((placed, i) => ({ ...placed, block: forms[i]?.(length) ?? placed.block }));
    },
  };
}

/** The block for length · X̄ᵀΔ. */
type RowsForm = (length: tf.Tensor) => Block;

function rowsForm({ layout, block }: PlacedBlock, uses: CapturedLayers['uses']): RowsForm | undefined {
  const layer = block.atRows && layerRows(layout, uses);
  if (layer === undefined || block.atRows!(layer) === undefined) return undefined;
  // A step needs its rows for sure; those of a vector–Jacobian product alone are made when there is one.
  const inEveryStep = block.flopsAt!(layer.count).flops < block.flops;
  const made = inEveryStep ? layer.rows() : undefined;
  return (length) =>
    block.atRows!({
      count: layer.count,
      rows() {
        const { inputs, outputs } = made ?? layer.rows();
        return { inputs, outputs: tf.mul(outputs, length) };
      },
    })!;
}
