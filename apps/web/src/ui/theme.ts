/** Light or dark: the system's choice until the reader makes one, which is remembered. The script in the head of each page has set it before the first paint. */
import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

export type Theme = 'light' | 'dark';

/** As the script in the head of each page has it (vite.config.ts). */
const KEY = 'apo-theme';

const system = matchMedia('(prefers-color-scheme: dark)');
const current = signal<Theme>(document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light');

/** The theme in use; drawings read it so that they are drawn again when it changes. */
export const theme: ReadonlySignal<Theme> = current;

system.addEventListener('change', () => {
  if (stored() === null) show(system.matches ? 'dark' : 'light');
});

/** Called inside an effect that draws with `token`: the effect runs again when the theme changes. */
export function redrawWithTheme(): Theme {
  return current.value;
}

/** Changes to the other theme and remembers it. */
export function toggleTheme(): void {
  const next = current.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  show(next);
}

/** The value of a colour token, such as `--data-tuned`, in the theme in use. */
export function token(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function show(next: Theme): void {
  document.documentElement.dataset['theme'] = next;
  current.value = next;
}
