/** What a preconditioner adds to memory: the numbers of P, and the two running means that Adam keeps of each of them. */
import { createRandom } from '@apo/core';
import { partition } from '@apo/precond';
import type { NamedShape } from '@apo/precond';
import { benchModelNames, createBenchModel } from './models.js';
import type { BenchModelName } from './models.js';
import { formOptions } from './precond-forms.js';
import type { BenchForm } from './subject.js';

export interface AddedMemory {
  readonly model: BenchModelName;
  readonly form: BenchForm;
  /** Of the network. */
  readonly parameters: number;
  /** Of P. */
  readonly added: number;
  /** MiB of P in float32. */
  readonly mebibytes: number;
  /** MiB of Adam's state for it. */
  readonly adamMebibytes: number;
}

/** For every network of the benchmark. */
export function addedMemory(
  forms: readonly BenchForm[],
  shapesOf: (model: BenchModelName) => readonly NamedShape[],
): AddedMemory[] {
  return benchModelNames.flatMap((model) => {
    const shapes = shapesOf(model);
    const parameters = shapes.reduce(
      (sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1),
      0,
    );
    return forms.map((form): AddedMemory => {
      const added = partition(shapes, formOptions[form]).reduce((sum, row) => sum + row.parameters, 0);
      const mebibytes = (4 * added) / 2 ** 20;
      return { model, form, parameters, added, mebibytes, adamMebibytes: 2 * mebibytes };
    });
  });
}

/** Names and shapes of a network's variables; a backend must be there. */
export function shapesOf(name: BenchModelName): NamedShape[] {
  // Weights of zero: only the shapes matter, and drawing nine million numbers takes seconds.
  const model = createBenchModel(name, {
    batchSize: 1,
    random: { ...createRandom(1), next: () => 0, normal: () => 0 },
  });
  try {
    return model.objective.variables.map((variable) => ({ name: variable.name, shape: [...variable.shape] }));
  } finally {
    model.dispose();
  }
}
