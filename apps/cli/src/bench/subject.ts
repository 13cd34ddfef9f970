/** What a benchmark measures: an engine, a network and an optimizer; as plain data, so that it can cross a process boundary. */
import type { Preset } from '@apo/core';
import type { BenchModelName } from './models.js';

/** `stock-wasm` is tfjs-backend-wasm as published, trained by tfjs's own optimizers: what a program has without this project. */
export const benchEngineNames = ['stock-wasm', 'wasm', 'node', 'cpu'] as const;
export type BenchEngineName = (typeof benchEngineNames)[number];

export const benchRules = ['momentum', 'adam'] as const;
export type BenchRule = (typeof benchRules)[number];

export interface Subject {
  readonly model: BenchModelName;
  readonly rule: BenchRule;
  /** Absent for a base step at a fixed rate. */
  readonly meta?: { readonly preset: Preset; readonly interval: number };
}

/** One measurement of some steps in a row. */
export interface Measurement {
  readonly steps: number;
  readonly seconds: number;
}

/** Something that measures subjects on one engine. */
export interface Meter {
  readonly engine: BenchEngineName;
  /** Runs untimed steps until the subject is in its steady state. Rejects with the reason when the engine cannot train it. */
  prepare(subject: Subject): Promise<void>;
  /** Times a prepared subject: at least `minimum.steps`, in whole multiples of them until `minimum.seconds` have passed. */
  measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement>;
  dispose(): Promise<void>;
}
