/** What defines a run, as a query string and back. A value that does not fit falls back to its default, with a note for the reader. */

/** One setting: its default, and how it is written into the query string and read from it. */
export interface Field<T> {
  readonly default: T;
  /** `undefined` when the text is no legal value. */
  readonly read: (text: string) => T | undefined;
  readonly write: (value: T) => string;
  /** What is legal, for the note: completes "expected …". */
  readonly expected: string;
}

export interface NumberRange {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** A finite number in [min, max]. It is written with all its digits, so that reading it back gives the same bits. */
export function number({ default: initial, min, max }: NumberRange): Field<number> {
  return numeric(initial, `a number from ${min} to ${max}`, (value) => value >= min && value <= max);
}

/** A whole number in [min, max]. */
export function integer({ default: initial, min, max }: NumberRange): Field<number> {
  const fits = (value: number): boolean => Number.isInteger(value) && value >= min && value <= max;
  return numeric(initial, `a whole number from ${min} to ${max}`, fits);
}

/** One of a list of names. */
export function choice<T extends string>(values: readonly T[], initial: NoInfer<T>): Field<T> {
  return {
    default: initial,
    read: (text) => values.find((value) => value === text),
    write: (value) => value,
    expected: `one of ${values.join(', ')}`,
  };
}

/** Yes or no, written as 1 or 0. */
export function flag(initial: boolean): Field<boolean> {
  return {
    default: initial,
    read: (text) => (text === '1' ? true : text === '0' ? false : undefined),
    write: (value) => (value ? '1' : '0'),
    expected: '1 or 0',
  };
}

function numeric(initial: number, expected: string, fits: (value: number) => boolean): Field<number> {
  return {
    default: initial,
    read(text) {
      const value = text.trim() === '' ? NaN : Number(text);
      return Number.isFinite(value) && fits(value) ? value : undefined;
    },
    write: String,
    expected,
  };
}

export type FieldsOf<S> = { readonly [K in keyof S]: Field<S[K]> };

export interface Parsed<S> {
  readonly settings: Readonly<S>;
  /** One sentence for each value that was not used. */
  readonly notes: readonly string[];
}

export interface SettingsCodec<S> {
  readonly fields: FieldsOf<S>;
  readonly defaults: Readonly<S>;
  /** Reads a query string. Keys that are no setting are ignored. */
  parse(search: string | URLSearchParams): Parsed<S>;
  /** The query string, without `?`, in the order of the fields; defaults are left out. */
  toSearch(settings: Readonly<S>): string;
}

/** Makes the codec of a page's settings: `defineSettings({ seed: integer({ default: 0, min: 0, max: 999 }), … })`. */
export function defineSettings<S extends object>(fields: FieldsOf<S>): SettingsCodec<S> {
  const keys = Object.keys(fields) as (keyof S & string)[];
  const build = (value: <K extends keyof S & string>(key: K) => S[K]): S =>
    Object.fromEntries(keys.map((key) => [key, value(key)])) as S;
  return {
    fields,
    defaults: build((key) => fields[key].default),
    parse(search) {
      const params = typeof search === 'string' ? new URLSearchParams(search) : search;
      const notes: string[] = [];
      const settings = build((key) => {
        const field = fields[key];
        const text = params.get(key);
        if (text === null) return field.default;
        const value = field.read(text);
        if (value !== undefined) return value;
        const used = field.write(field.default);
        notes.push(`The address says ${key}=${text}; expected ${field.expected}. Using ${used}.`);
        return field.default;
      });
      return { settings, notes };
    },
    toSearch(settings) {
      const params = new URLSearchParams();
      for (const key of keys) {
        const { write, default: initial } = fields[key];
        if (settings[key] !== initial) params.set(key, write(settings[key]));
      }
      return params.toString();
    },
  };
}
