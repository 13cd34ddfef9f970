/** Labelled examples in memory, one byte a feature: what every classification data set is read into. */
import { requireArgument, requireInteger } from '@apo/core';

export interface LabelledExamples {
  /** `[count, …exampleShape]`, row-major, 0 … 255. */
  readonly inputs: Uint8Array;
  /** `[count]`, each in 0 … classes − 1. */
  readonly labels: Uint8Array;
  /** Shape of one example, for example `[28, 28]`. */
  readonly exampleShape: readonly number[];
  readonly classes: number;
}

/** A data set as it is usually published. */
export interface LabelledSplits {
  readonly train: LabelledExamples;
  readonly test: LabelledExamples;
}

/** Features of one example: the product of its shape. */
export function featureCount(examples: LabelledExamples): number {
  return examples.exampleShape.reduce((product, side) => product * side, 1);
}

/** @throws ApoError `INVALID_ARGUMENT` unless there are examples, as many labels as inputs, and every label is a class. */
export function requireExamples(what: string, examples: LabelledExamples): void {
  const { inputs, labels, classes } = examples;
  requireInteger(`classes of ${what}`, classes, 1);
  const features = requireInteger(`features of ${what}`, featureCount(examples), 1);
  requireArgument(
    labels.length > 0 && inputs.length === labels.length * features,
    () =>
      `${what} has ${labels.length} labels and ${inputs.length} input bytes; expected at least one label and ${features} bytes for each.`,
  );
  const wrong = labels.findIndex((label) => label >= classes);
  requireArgument(
    wrong === -1,
    () => `Label ${wrong} of ${what} is ${labels[wrong]!}; expected 0 … ${classes - 1}.`,
  );
}
