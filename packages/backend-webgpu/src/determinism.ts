/** Whether kernels add in one order only, so that the same seed gives the same bits; chosen by `installTrainingKernels`. */

let deterministic = true;

export function isDeterministic(): boolean {
  return deterministic;
}

export function chooseDeterministic(chosen: boolean): void {
  deterministic = chosen;
}
