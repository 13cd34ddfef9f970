/** Parsers of option values. Each refuses a bad value with what was expected; commander adds the option's name. */
import { InvalidArgumentError } from 'commander';

function finite(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value))
    throw new InvalidArgumentError('Expected a number, for example 0.001 or 1e-3.');
  return value;
}

/** A number > 0. */
export function positive(text: string): number {
  const value = finite(text);
  if (value <= 0) throw new InvalidArgumentError('Expected a number greater than 0.');
  return value;
}

/** A number ≥ 0. */
export function nonNegative(text: string): number {
  const value = finite(text);
  if (value < 0) throw new InvalidArgumentError('Expected a number of at least 0.');
  return value;
}

/** A number in [0, 1). */
export function fraction(text: string): number {
  const value = finite(text);
  if (value < 0 || value >= 1) throw new InvalidArgumentError('Expected a number in [0, 1).');
  return value;
}

/** A whole number ≥ `minimum`. */
export function whole(minimum: number): (text: string) => number {
  return (text) => {
    const value = finite(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`Expected a whole number of at least ${minimum}.`);
    }
    return value;
  };
}

/** Whole numbers ≥ `minimum`, separated by commas; each once. */
export function wholes(minimum: number): (text: string) => number[] {
  const one = whole(minimum);
  return (text) => [...new Set(text.split(',').map(one))];
}

/** Names separated by commas, each one of `known`. */
export function namesOf(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    for (const name of names) {
      if (!known.includes(name)) {
        throw new InvalidArgumentError(`"${name}" is not one of ${known.join(', ')}.`);
      }
    }
    return [...new Set(names)];
  };
}
