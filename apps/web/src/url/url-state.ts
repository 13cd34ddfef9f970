/** A page's settings as signals, kept in step with the query string: what is in the address bar restores the run. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { SettingsCodec } from './settings.js';
import { thinned } from './thinned.js';

export interface UrlState<S extends object> {
  /** One signal a setting; writing it changes the address (a few times a second at most), without an entry in the history. */
  readonly signals: { readonly [K in keyof S]: Signal<S[K]> };
  /** All of them, as one object. */
  readonly current: ReadonlySignal<Readonly<S>>;
  /** What the address said that could not be used; show it. */
  readonly notes: readonly string[];
  /** Sets several at once, all others to their defaults. */
  apply(settings: Partial<S>): void;
  /** Stops writing to the address. */
  dispose(): void;
}

/** Reads the settings from the address of the page and writes them back whenever they change. */
export function urlState<S extends object>(codec: SettingsCodec<S>): UrlState<S> {
  const { settings, notes } = codec.parse(location.search);
  const keys = Object.keys(settings) as (keyof S & string)[];
  const signals = Object.fromEntries(keys.map((key) => [key, signal(settings[key])])) as {
    [K in keyof S]: Signal<S[K]>;
  };
  const current = computed(() => Object.fromEntries(keys.map((key) => [key, signals[key].value])) as S);
  const write = thinned((search: string) => {
    const address = `${location.pathname}${search === '' ? '' : `?${search}`}${location.hash}`;
    history.replaceState(history.state, '', address);
  });
  const dispose = effect(() => write(codec.toSearch(current.value)));
  return {
    signals,
    current,
    notes,
    apply: (changes) =>
      batch(() => {
        for (const key of keys) signals[key].value = changes[key] ?? codec.defaults[key];
      }),
    dispose,
  };
}
