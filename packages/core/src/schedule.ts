/** Learning-rate schedules: multipliers of the base rate as pure functions of the step, in [0, ∞). */
export type Schedule = (step: number) => number;
