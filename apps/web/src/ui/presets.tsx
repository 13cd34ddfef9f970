/** Named settings with a one-line caption each; the one that is in force is marked. */

export interface Preset<S> {
  readonly name: string;
  /** One line: what to look for. */
  readonly caption: string;
  /** What differs from the defaults. */
  readonly settings: Partial<S>;
}

export interface PresetsProps<S extends object> {
  readonly presets: readonly Preset<S>[];
  readonly defaults: Readonly<S>;
  readonly current: Readonly<S>;
  readonly onApply: (settings: Partial<S>) => void;
}

export function Presets<S extends object>({ presets, defaults, current, onApply }: PresetsProps<S>) {
  return (
    <ul class="presets">
      {presets.map(({ name, caption, settings }) => (
        <li key={name}>
          <button
            type="button"
            class="preset"
            data-preset={name}
            aria-pressed={matches({ ...defaults, ...settings }, current)}
            onClick={() => onApply(settings)}
          >
            <strong>{name}</strong>
            <span>{caption}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function matches<S extends object>(wanted: S, current: S): boolean {
  return (Object.keys(wanted) as (keyof S)[]).every((key) => wanted[key] === current[key]);
}
