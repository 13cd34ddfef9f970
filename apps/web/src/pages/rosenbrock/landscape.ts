/**
 * Rosenbrock's function f(x, y) = (1 − x)² + 100 (y − x²)² in float64, and the plane that the page shows: the function turned about its
 * minimum (1, 1). A point has two pairs of coordinates, the function's own (x, y) and its place in the plane.
 */

export type Point = readonly [number, number];

/** [a, b, c] of the symmetric matrix [[a, b], [b, c]]. */
export type Symmetric = readonly [number, number, number];

export const MINIMUM: Point = [1, 1];

/** The plane that is shown: a square about the minimum, so that nothing leaves it when it is turned. */
export const WINDOW = { low: -1.75, high: 3.75 } as const;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** [cos, sin]; exact for 0 and right angles. */
export function direction(degrees: number): Point {
  switch (degrees) {
    case 0:
      return [1, 0];
    case 90:
      return [0, 1];
    case -90:
      return [0, -1];
    default:
      return [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  }
}

/** Where (x, y) of the function lies in the plane when it is turned counter-clockwise by `degrees`. */
export function toPlane([x, y]: Point, degrees: number): Point {
  const [c, s] = direction(degrees);
  const [dx, dy] = [x - MINIMUM[0], y - MINIMUM[1]];
  return [MINIMUM[0] + c * dx - s * dy, MINIMUM[1] + s * dx + c * dy];
}

/** The function's coordinates of a place in the plane. */
export function toFunction(place: Point, degrees: number): Point {
  return toPlane(place, -degrees);
}

/** f at the function's coordinates. */
export function valueAt([x, y]: Point): number {
  return (1 - x) ** 2 + 100 * (y - x * x) ** 2;
}

/** ∇f at, and in, the function's coordinates. */
export function gradientAt([x, y]: Point): Point {
  const gap = y - x * x;
  return [-2 * (1 - x) - 400 * x * gap, 200 * gap];
}

/**
 * (2 JᵀJ)⁻¹ at a place in the plane, in the plane's coordinates, with J the Jacobian of the residuals (1 − x, 10 (y − x²)): the
 * preconditioner of the Gauss–Newton method. JᵀJ = [[1 + 400 x², −200 x], [−200 x, 100]] has the determinant 100 everywhere.
 */
export function inverseGaussNewton(place: Point, degrees: number): Symmetric {
  const [x] = toFunction(place, degrees);
  return turned([0.5, x, 0.005 + 2 * x * x], degrees);
}

/** R M Rᵀ: a symmetric matrix of the function's coordinates in those of the plane. */
export function turned([a, b, c]: Symmetric, degrees: number): Symmetric {
  const [cos, sin] = direction(degrees);
  return [
    cos * cos * a - 2 * cos * sin * b + sin * sin * c,
    cos * sin * (a - c) + (cos * cos - sin * sin) * b,
    sin * sin * a + 2 * cos * sin * b + cos * cos * c,
  ];
}

/** Eigenvalues of a symmetric matrix, the larger first, and the angle in radians, in (−π/2, π/2], from the first axis to the larger one's vector. */
export function axes([a, b, c]: Symmetric): {
  readonly large: number;
  readonly small: number;
  readonly angle: number;
} {
  const mean = (a + c) / 2;
  const spread = Math.hypot((a - c) / 2, b);
  const large = mean + spread;
  // The product of both is the determinant: no cancellation where they are far apart.
  const small = large === 0 ? 0 : (a * c - b * b) / large;
  return { large, small, angle: Math.atan2(2 * b, a - c) / 2 };
}
