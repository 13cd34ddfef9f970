/**
 * WGSL of a tiled product. Pieces of the factors go to the workgroup's memory in fours: the left one as it lies, along the inner side or, transposed,
 * across it; the right one always across it. Every thread multiplies its block in registers and finishes its numbers itself.
 */
import type { Operand, Phase, Product } from './product.js';
import type { Tile } from './tile.js';
import { threadsOf } from './tile.js';

export interface ProductForm {
  readonly product: Product;
  readonly operands: readonly Operand[];
  readonly tile: Tile;
  /** Buffers of vec4f. */
  readonly inFours: ReadonlySet<string>;
  readonly subgroups: boolean;
  readonly halfPrecision: boolean;
}

const AXES = ['x', 'y', 'z', 'w'] as const;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (count: number, line: (i: number) => string): string => range(count).map(line).join('\n');

export function productCode(form: ProductForm): { declarations: string; body: string } {
  const { product, operands, tile, inFours, halfPrecision } = form;
  const { phases, inputs, totals, sums = 1 } = product;
  const blocks = tile.blockColumns / 4;
  const stored = halfPrecision ? 'vec4<f16>' : 'vec4f';
  const most = (side: 0 | 1): number => Math.max(0, ...phases.map((phase) => factorsOf(phase, side).length));
  const memory = [
    ...range(most(0)).map(
      (i) => `var<workgroup> lefts${i}: array<${stored}, ${(tile.rows * tile.inner) / 4}>;`,
    ),
    ...range(most(1)).map(
      (i) => `var<workgroup> rights${i}: array<${stored}, ${(tile.columns * tile.inner) / 4}>;`,
    ),
  ];
  const threads = threadsOf(tile);
  const perTile = threads / tile.slices;
  const results = range(sums).flatMap((p) =>
    range(tile.blockRows).flatMap((i) => range(blocks).map((h) => `acc${p}_${i}_${h}`)),
  );
  const fours = tile.blockRows * blocks;
  const finishing = `
${lines(sums, (p) => `  var sums${p} = array<vec4f, ${fours}>(${results.slice(p * fours, (p + 1) * fours).join(', ')});`)}
  for (var i = 0u; i < ${4 * fours}u; i = i + 1u) {
    let row = fromRow + i / ${tile.blockColumns}u;
    let column = fromColumn + i % ${tile.blockColumns}u;
    finish(batch, row, column, ${range(sums)
      .map((p) => `sums${p}[i / 4u][i % 4u]`)
      .join(', ')});
  }`;
  return {
    declarations: `
${Object.keys(inputs)
  .map(
    (name) =>
      `fn get_${name}(place: u32) -> f32 { return ${inFours.has(name) ? `${name}[place / 4u][place % 4u]` : `${name}[place]`}; }`,
  )
  .join('\n')}
${operands.map((operand, i) => loadFunction(form, operand, i)).join('\n')}
${memory.join('\n')}
${tile.slices > 1 ? `var<workgroup> slices: array<vec4f, ${threads}>;` : ''}
${totals ? `var<workgroup> shares: array<f32, ${threads}>;` : ''}
var<private> total: f32 = 0.0;

fn finish(batch: u32, row: u32, column: u32, ${range(sums)
      .map((p) => `sum${p}: f32`)
      .join(', ')}) {
  if (row >= u32(uniforms.rows) || column >= u32(uniforms.columns)) { return; }
  let at = (batch * u32(uniforms.rows) + row) * u32(uniforms.columns) + column;
  ${product.finish}
}`,
    body: `
  let across = (u32(uniforms.columns) + ${tile.columns - 1}u) / ${tile.columns}u;
  let down = (u32(uniforms.rows) + ${tile.rows - 1}u) / ${tile.rows}u;
  let batch = tile / (across * down);
  if (batch >= u32(uniforms.batches)) { return; }
  let tileRow = (tile / across) % down * ${tile.rows}u;
  let tileColumn = tile % across * ${tile.columns}u;
  let slice = local / ${perTile}u;
  let threadRow = local % ${perTile}u / ${tile.columns / tile.blockColumns}u;
  let threadColumn = local % ${tile.columns / tile.blockColumns}u;
  let fromRow = tileRow + threadRow * ${tile.blockRows}u;
  let fromColumn = tileColumn + threadColumn * ${tile.blockColumns}u;
${results.map((name) => `  var ${name} = vec4f();`).join('\n')}
${phases.map((phase, q) => phaseCode(form, phase, q, threads)).join('\n')}
${tile.slices > 1 ? `${results.map((name) => addSlices(name, perTile, tile.slices)).join('\n')}\n  if (slice == 0u) {${finishing}\n  }` : finishing}
${totals ? addTotals(totals.output, threads) : ''}`,
  };
}

/** Four numbers of a matrix as it lies in its buffer, from (row, column) on; zero beyond its `height` and `width`. */
function loadFunction({ inFours }: ProductForm, { buffer }: Operand, i: number): string {
  const rest = AXES.slice(1).map(
    (axis, j) => `  if (column + ${j + 1}u < width) { four.${axis} = ${buffer}[at + ${j + 1}u]; }`,
  );
  return `
fn load${i}(batch: u32, row: u32, column: u32, height: u32, width: u32) -> vec4f {
  if (row >= height || column >= width) { return vec4f(); }
  let at = u32(uniforms.offset${i}) + batch * u32(uniforms.batchStride${i}) + row * u32(uniforms.stride${i}) + column;
${
  inFours.has(buffer)
    ? `  return ${buffer}[at / 4u];`
    : `  var four = vec4f(${buffer}[at], 0.0, 0.0, 0.0);\n${rest.join('\n')}\n  return four;`
}
}`;
}

/** The left (0) or right (1) factors of a phase, each once. */
function factorsOf({ pairs }: Phase, side: 0 | 1): readonly Operand[] {
  return [...new Set(pairs.map((pair) => pair[side]))];
}

function phaseCode(form: ProductForm, phase: Phase, q: number, threads: number): string {
  const { operands, tile } = form;
  const [lefts, rights] = [factorsOf(phase, 0), factorsOf(phase, 1)];
  const inner = `u32(uniforms.inner${q})`;
  const number = (operand: Operand): number => operands.indexOf(operand);
  return `
  for (var start = 0u; start < ${inner}; start = start + ${tile.inner}u) {
${lefts.map((left, i) => storeLeft(form, left, i, number(left), inner, threads)).join('\n')}
${rights.map((right, i) => storeRight(form, right, i, number(right), inner, threads)).join('\n')}
    workgroupBarrier();
    for (var step = 0u; step < ${tile.inner / 4 / tile.slices}u; step = step + 1u) {
      let four = step * ${tile.slices}u + slice;
${lefts.map((left, i) => readLeft(form, left, i)).join('\n')}
${rights.map((_, i) => readRight(form, i)).join('\n')}
${phase.pairs.map(([left, right], p) => multiplyBlock(form, p, left, lefts.indexOf(left), rights.indexOf(right))).join('\n')}
    }
    workgroupBarrier();
  }`;
}

function storeLeft(
  { tile, halfPrecision }: ProductForm,
  { transposed = false }: Operand,
  i: number,
  n: number,
  inner: string,
  threads: number,
): string {
  const across = (transposed ? tile.rows : tile.inner) / 4;
  const down = transposed ? tile.inner : tile.rows;
  const rows = 'u32(uniforms.rows)';
  const value = transposed
    ? `load${n}(batch, start + at / ${across}u, tileRow + at % ${across}u * 4u, ${inner}, ${rows})`
    : `load${n}(batch, tileRow + at / ${across}u, start + at % ${across}u * 4u, ${rows}, ${inner})`;
  return `    for (var at = local; at < ${across * down}u; at = at + ${threads}u) { lefts${i}[at] = ${rounded(value, halfPrecision)}; }`;
}

function storeRight(
  { tile, halfPrecision }: ProductForm,
  { transposed = false }: Operand,
  i: number,
  n: number,
  inner: string,
  threads: number,
): string {
  const across = tile.columns / 4;
  const columns = 'u32(uniforms.columns)';
  if (!transposed) {
    const value = `load${n}(batch, start + at / ${across}u, tileColumn + at % ${across}u * 4u, ${inner}, ${columns})`;
    return `    for (var at = local; at < ${across * tile.inner}u; at = at + ${threads}u) { rights${i}[at] = ${rounded(value, halfPrecision)}; }`;
  }
  // Four columns of four numbers along the inner side, turned into four rows.
  return `    for (var at = local; at < ${(across * tile.inner) / 4}u; at = at + ${threads}u) {
      let four = at / ${across}u * 4u;
      let column = at % ${across}u;
${lines(4, (j) => `      let from${j} = load${n}(batch, tileColumn + column * 4u + ${j}u, start + four, ${columns}, ${inner});`)}
${lines(4, (k) => {
  const value = `vec4f(${range(4)
    .map((j) => `from${j}.${AXES[k]!}`)
    .join(', ')})`;
  return `      rights${i}[(four + ${k}u) * ${across}u + column] = ${rounded(value, halfPrecision)};`;
})}
    }`;
}

function rounded(value: string, halfPrecision: boolean): string {
  return halfPrecision ? `vec4<f16>(${value})` : value;
}

/** Sets `left<i>_…`, fours of the block's rows by row, or of a transposed factor by place on the inner side. */
function readLeft({ tile, subgroups }: ProductForm, { transposed = false }: Operand, i: number): string {
  const across = (transposed ? tile.rows : tile.inner) / 4;
  const places = transposed
    ? range(tile.blockRows / 4).map((g) => ({
        names: range(4).map((k) => `left${i}_${k}_${g}`),
        at: (k: string) => `(four * 4u + ${k}) * ${across}u + threadRow * ${tile.blockRows / 4}u + ${g}u`,
      }))
    : range(tile.blockRows / 4).map((g) => ({
        names: range(4).map((j) => `left${i}_${4 * g + j}`),
        at: (j: string) => `(threadRow * ${tile.blockRows}u + ${4 * g}u + ${j}) * ${across}u + four`,
      }));
  return places
    .map(({ names, at }, g) =>
      subgroups
        ? [
            `      let own${i}_${g} = vec4f(lefts${i}[${at('lane % 4u')}]);`,
            ...names.map((name, j) => `      let ${name} = quadBroadcast(own${i}_${g}, ${j}u);`),
          ].join('\n')
        : names.map((name, j) => `      let ${name} = vec4f(lefts${i}[${at(`${j}u`)}]);`).join('\n'),
    )
    .join('\n');
}

/** Sets `right<i>_<k>_<h>`, fours of the block's columns at each place of the inner side. */
function readRight({ tile }: ProductForm, i: number): string {
  const blocks = tile.blockColumns / 4;
  return lines(4, (k) =>
    lines(
      blocks,
      (h) =>
        `      let right${i}_${k}_${h} = vec4f(rights${i}[(four * 4u + ${k}u) * ${tile.columns / 4}u + threadColumn * ${blocks}u + ${h}u]);`,
    ),
  );
}

function multiplyBlock(
  { tile }: ProductForm,
  p: number,
  { transposed = false }: Operand,
  left: number,
  right: number,
): string {
  return lines(4, (k) =>
    lines(tile.blockRows, (i) =>
      lines(tile.blockColumns / 4, (h) => {
        const factor = transposed
          ? `left${left}_${k}_${Math.floor(i / 4)}.${AXES[i % 4]!}`
          : `left${left}_${i}.${AXES[k]!}`;
        const acc = `acc${p}_${i}_${h}`;
        return `      ${acc} = ${acc} + ${factor} * right${right}_${k}_${h};`;
      }),
    ),
  );
}

/** Leaves the sum over all slices with the threads of the first. */
function addSlices(name: string, perTile: number, slices: number): string {
  return `
  slices[local] = ${name};
  workgroupBarrier();
  if (slice == 0u) {
    for (var other = 1u; other < ${slices}u; other = other + 1u) { ${name} = ${name} + slices[other * ${perTile}u + local]; }
  }
  workgroupBarrier();`;
}

function addTotals(output: string, threads: number): string {
  return `
  shares[local] = total;
  workgroupBarrier();
  for (var half = ${threads / 2}u; half > 0u; half = half / 2u) {
    if (local < half) { shares[local] = shares[local] + shares[local + half]; }
    workgroupBarrier();
  }
  if (local == 0u) { ${output}[u32(uniforms.totalsOffset) + tile] = shares[0]; }`;
}
