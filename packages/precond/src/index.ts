/** @apo/precond: preconditioners that `Apo` learns while it trains. */
export { precondition } from './precondition.js';
export type { PreconditionOptions } from './precondition.js';
export { fullPreconditioner } from './full-preconditioner.js';
export type { FullPreconditionerOptions } from './full-preconditioner.js';
export type { BlockRuleOptions } from './block-rule.js';
export { formatPartition, partition } from './partition-table.js';
export type { PartitionRow } from './partition-table.js';
export type { BlockOptions, PartitionOptions, PartitionOverride, PreconditionerForm } from './partition.js';
export type { Sides } from './layer-kinds.js';
export type { NamedShape } from './matricize.js';
export { LARGEST_OFFSET, SCALE_OFFSETS } from './scale.js';
export type { LearnedScale } from './scale.js';
export type { Adaptation } from './presets.js';
