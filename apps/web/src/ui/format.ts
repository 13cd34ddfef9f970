/** Numbers as a reader wants them: few digits, and powers of ten where zeros would have to be counted. */

const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `digits` significant digits; outside 0.001 … 99,999 as "3.2 × 10⁻⁵". */
export function formatNumber(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 99_999.5) {
    return Number(value.toPrecision(digits))
      .toLocaleString('en', { maximumSignificantDigits: Math.max(digits, 5) })
      .replace('-', '−');
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e') as [string, string];
  const factor = Number(mantissa);
  const power = `10${superscript(Number(exponent))}`;
  return factor === 1 ? power : `${String(factor).replace('-', '−')} × ${power}`;
}

/** "97.3 %", from a share in [0, 1]. */
export function formatPercent(share: number, decimals = 1): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(decimals)} %` : '–';
}

/** "1 step", "2,000 steps". */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function superscript(value: number): string {
  const digits = Array.from(String(Math.abs(value)), (digit) => SUPERSCRIPT[Number(digit)]!);
  return `${value < 0 ? '⁻' : ''}${digits.join('')}`;
}
