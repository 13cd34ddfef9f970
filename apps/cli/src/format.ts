/** Numbers as people read them. */

/** Four significant digits; powers of ten below 1e-3 and from 1e5. `null` and non-finite numbers read "not finite". */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return 'not finite';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3 || magnitude >= 1e5) return value.toExponential(2).replace('e+', 'e');
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** "97.31 %", or a dash where there is no accuracy. */
export function formatPercent(value: number | null): string {
  return value === null ? '–' : `${(100 * value).toFixed(2)} %`;
}

/** "42 s", "3 min 05 s", "1 h 02 min". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
