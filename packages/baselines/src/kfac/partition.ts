/** Which curvature block each variable gets, from the layers that use it; and the table that says so. */
import type * as tf from '@tensorflow/tfjs-core';
import { ApoError } from '@apo/core';
import type { LayerUse } from '@apo/core';

/** Layers whose weights are one matrix that is applied at one or more positions of an example. */
const MATRIX_KINDS = ['dense', 'convolution', 'transposed-convolution'] as const;
type MatrixKind = (typeof MATRIX_KINDS)[number];

/** A use of such a layer. */
export type MatrixUse = Extract<LayerUse, { kind: MatrixKind }>;

export function isMatrixUse(use: LayerUse): use is MatrixUse {
  return (MATRIX_KINDS as readonly string[]).includes(use.kind);
}

/** A weight matrix, the bias as one more row: F ≈ A ⊗ Γ. Plain data: it is stored in checkpoints. */
export interface KroneckerPlan {
  readonly block: 'kronecker';
  readonly layer: MatrixKind;
  readonly kernel: string;
  readonly bias?: string;
  /** The variable is `[out, in]`. */
  readonly transposed: boolean;
  /** Inputs, the bias's 1 included: the side of A. */
  readonly rows: number;
  /** Outputs: the side of Γ. */
  readonly columns: number;
}

/** One number per element. */
export interface DiagonalPlan {
  readonly block: 'diagonal';
  /** What the second moments are of: gradients of single examples, through these layers, or the gradient of the batch. */
  readonly source: 'examples' | 'batch';
  readonly layer: string;
  readonly variable: string;
  readonly shape: readonly number[];
}

export type BlockPlan = KroneckerPlan | DiagonalPlan;

/** One line of the table. */
export interface PartitionRow {
  readonly variables: readonly string[];
  readonly layer: string;
  /** How the gradient is preconditioned, in words. */
  readonly block: string;
  readonly parameters: number;
}

export interface PartitionOptions {
  /** What becomes of a variable whose layer has no block of its own: refused, or a diagonal from the batch gradient. */
  readonly unsupported: 'error' | 'diagonal';
  /** The longest side of a Kronecker factor. */
  readonly maxFactorSide: number;
}

/** The variable's name in error messages. */
export function planName(plan: BlockPlan): string {
  return plan.block === 'kronecker' ? plan.kernel : plan.variable;
}

/** The variables of a block. */
export function planVariables(plan: BlockPlan): string[] {
  if (plan.block === 'diagonal') return [plan.variable];
  return plan.bias === undefined ? [plan.kernel] : [plan.kernel, plan.bias];
}

/**
 * One block for every variable, in the order of the variables.
 * @throws ApoError `UNSUPPORTED`, with every such variable and the reason, when one has no block and `unsupported` is `error`.
 */
export function partition(
  uses: readonly LayerUse[],
  variables: readonly tf.Variable[],
  options: PartitionOptions,
): BlockPlan[] {
  const folded = new Map<string, string>();
  const plans: BlockPlan[] = [];
  const refused: string[] = [];
  for (const variable of variables) {
    const bias = foldableBias(variable.name, uses);
    if (bias !== undefined) folded.set(bias, variable.name);
  }
  for (const variable of variables) {
    if (folded.has(variable.name)) continue;
    const found = planFor(variable, uses, folded, options);
    if (typeof found !== 'string') plans.push(found);
    else if (options.unsupported === 'diagonal') plans.push(diagonalPlan(variable, 'batch', found));
    else refused.push(`"${variable.name}" [${variable.shape.join(', ')}]: ${found}`);
  }
  if (refused.length > 0) {
    throw new ApoError(
      'UNSUPPORTED',
      `No curvature block for ${refused.join('; ')}. Set unsupported: 'diagonal' to give each a diagonal made of squared batch gradients, or leave these variables out of the objective.`,
    );
  }
  return plans;
}

function planFor(
  variable: tf.Variable,
  uses: readonly LayerUse[],
  folded: ReadonlyMap<string, string>,
  { maxFactorSide }: PartitionOptions,
): BlockPlan | string {
  const { name } = variable;
  const own = uses.filter((use) => ('kernel' in use ? use.kernel : use.variable) === name);
  const asBias = uses.filter((use) => 'kernel' in use && use.bias === name);
  if (own.length + asBias.length === 0) return 'no layer uses it in the forward pass';
  const other = own.find((use) => use.kind === 'other');
  if (other) return `used by ${other.kernelName}, which is no layer with a block`;
  const kinds = [...new Set(own.map((use) => use.kind))];
  const use = own.find(isMatrixUse);
  if (use === undefined) {
    if (kinds.includes('embedding') && (kinds.length > 1 || asBias.length > 0))
      return `used as ${[...kinds, ...(asBias.length > 0 ? ['bias'] : [])].join(' and ')}`;
    const layer = asBias.length > 0 ? 'bias' : kinds.join('+');
    return diagonalPlan(variable, 'examples', layer);
  }
  if (kinds.length > 1 || asBias.length > 0)
    return `used as ${[...kinds, ...(asBias.length > 0 ? ['bias'] : [])].join(' and ')}`;
  const shapes = new Set(own.map(matrixOf));
  if (shapes.size > 1) return 'used both as it is and transposed, or with its axes merged in several ways';
  const [rows, columns, transposed] = matrixSides(use, variable);
  const bias = [...folded].find(([, kernel]) => kernel === name)?.[0];
  const plan: KroneckerPlan = {
    block: 'kronecker',
    layer: use.kind,
    kernel: name,
    ...(bias !== undefined && { bias }),
    transposed,
    rows: rows + (bias === undefined ? 0 : 1),
    columns,
  };
  const side = Math.max(plan.rows, plan.columns);
  return side > maxFactorSide
    ? `its factors have a side of ${side}, and maxFactorSide is ${maxFactorSide}`
    : plan;
}

/** The bias that is added at every use of the kernel, and at no other place. */
function foldableBias(kernel: string, uses: readonly LayerUse[]): string | undefined {
  const own = uses.filter((use) => 'kernel' in use && use.kernel === kernel);
  const biases = new Set(own.map((use) => ('bias' in use ? use.bias : undefined)));
  const [bias] = biases;
  if (
    biases.size !== 1 ||
    bias === undefined ||
    !own.every((use) => use.kind === 'dense' || use.kind === 'convolution')
  )
    return undefined;
  const elsewhere = uses.some((use) =>
    'kernel' in use
      ? use.kernel === bias || (use.bias === bias && use.kernel !== kernel)
      : use.variable === bias,
  );
  return elsewhere ? undefined : bias;
}

function matrixOf(use: LayerUse): string {
  return use.kind === 'dense' ? `${use.matrixShape.join()} ${use.transposed}` : use.kind;
}

/** Inputs, outputs, and whether the variable has the latter first. */
function matrixSides(use: MatrixUse, variable: tf.Variable): [number, number, boolean] {
  if (use.kind === 'dense') return [...use.matrixShape, use.transposed];
  const channels = variable.shape[3]!;
  const patch = variable.size / channels;
  // A transposed convolution makes a patch of the output from the channels at one position.
  return use.kind === 'convolution' ? [patch, channels, false] : [channels, patch, true];
}

function diagonalPlan(variable: tf.Variable, source: 'examples' | 'batch', layer: string): DiagonalPlan {
  return { block: 'diagonal', source, layer, variable: variable.name, shape: variable.shape };
}

/** The table of a partition; `method` names the Kronecker blocks. */
export function partitionRows(
  plans: readonly BlockPlan[],
  variables: readonly tf.Variable[],
  method: string,
): PartitionRow[] {
  const sizes = new Map(variables.map((variable) => [variable.name, variable.size]));
  return plans.map((plan) => {
    const names = planVariables(plan);
    const parameters = names.reduce((sum, name) => sum + sizes.get(name)!, 0);
    const common = { variables: names, layer: plan.layer, parameters };
    if (plan.block === 'kronecker') return { ...common, block: `${method} ${plan.rows} × ${plan.columns}` };
    return plan.source === 'examples'
      ? { ...common, block: 'diagonal (gradients of single examples)' }
      : { ...common, layer: '–', block: `diagonal (batch gradients): ${plan.layer}` };
  });
}

/** The rows as aligned text, one line each under a head. */
export function formatPartition(rows: readonly PartitionRow[]): string {
  const head = ['variables', 'layer', 'block', 'parameters'];
  const lines = rows.map((row) => [
    row.variables.join(' + '),
    row.layer,
    row.block,
    row.parameters.toLocaleString('en-US'),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
