/**
 * What stochastic gradient descent at a constant rate does to the expected loss of the noisy least squares, for any number of steps, exactly:
 * the noisy-quadratic argument of Wu, Ren, Liao and Grosse (2018) about greedy learning rates, with Gaussian features in place of a
 * fixed noise.
 */

/** Where the steps start, and the noise of their gradients. */
export interface Setting {
  /** h, eigenvalues of the Hessian. */
  readonly variances: readonly number[];
  /** cᵢ = E (θᵢ − θ*ᵢ)² at the start. */
  readonly squaredErrors: readonly number[];
  readonly batchSize: number;
  /** σ. */
  readonly noise: number;
}

/**
 * The learning rate that minimises the expected loss after one step from the start, with Σ = diag h, δ = θ − θ* and batch size b:
 * η = ‖Σδ‖² / ((1 + 1/b) δᵀΣ³δ + (δᵀΣδ + σ²) tr(Σ²) / b). 0 at the optimum.
 */
export function greedyRate({ variances, squaredErrors, batchSize, noise }: Setting): number {
  let gradient = 0;
  let curvature = 0;
  let error = 0;
  let trace = 0;
  variances.forEach((h, i) => {
    const c = squaredErrors[i]!;
    gradient += h ** 2 * c;
    curvature += h ** 3 * c;
    error += h * c;
    trace += h ** 2;
  });
  const spread = (1 + 1 / batchSize) * curvature + ((error + noise ** 2) * trace) / batchSize;
  return gradient === 0 ? 0 : gradient / spread;
}

/**
 * E ½ Σ hᵢ (θᵢ − θ*ᵢ)² after `steps` steps at the rate η. A batch of b examples gives a gradient with mean Σδ and second moment
 * (1 + 1/b) Σδδᵀ Σ + (δᵀΣδ + σ²) Σ / b, hence cᵢ ← cᵢ (1 − 2 η hᵢ + η² (1 + 1/b) hᵢ²) + η² hᵢ (Σⱼ hⱼ cⱼ + σ²) / b. May overflow to
 * infinity for rates that diverge.
 */
export function expectedLoss(setting: Setting, rate: number, steps: number): number {
  const { variances, batchSize, noise } = setting;
  const errors = [...setting.squaredErrors];
  const loss = (): number => variances.reduce((sum, h, i) => sum + h * errors[i]!, 0);
  for (let step = 0; step < steps; step++) {
    const fresh = (rate ** 2 * (loss() + noise ** 2)) / batchSize;
    if (!Number.isFinite(fresh)) return Infinity;
    variances.forEach((h, i) => {
      errors[i] = errors[i]! * (1 - 2 * rate * h + rate ** 2 * (1 + 1 / batchSize) * h ** 2) + fresh * h;
    });
  }
  return loss() / 2;
}

/** How many steps ahead the curves of the page look. */
export const HORIZONS = [1, 10, 100, 1000] as const;

/** Rates from 10⁻³ to 10^0.6, twenty to a decade. */
export const RATES: readonly number[] = Array.from({ length: 73 }, (_, i) => 10 ** (-3 + i / 20));

export interface HorizonCurve {
  readonly horizon: number;
  /** Expected loss at each of `RATES`, as a share of the loss at the start. */
  readonly losses: readonly number[];
  /** Index into `RATES` of the least of them. */
  readonly best: number;
}

/** One curve for each of `HORIZONS`. */
export function horizonCurves(setting: Setting): HorizonCurve[] {
  const start = expectedLoss(setting, 0, 0);
  return HORIZONS.map((horizon) => {
    const losses = RATES.map((rate) => expectedLoss(setting, rate, horizon) / start);
    const best = losses.reduce((least, loss, i) => (loss < losses[least]! ? i : least), 0);
    return { horizon, losses, best };
  });
}
