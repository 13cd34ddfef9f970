/** A coordinate to type in: any decimal number in a range. */
import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';

export interface CoordinateFieldProps {
  readonly label: string;
  readonly value: Signal<number>;
  readonly range: readonly [number, number];
  readonly name: string;
}

/** Takes numbers in the range and leaves the value alone for anything else, which the browser marks as invalid. */
export function CoordinateField({ label, value, range: [min, max], name }: CoordinateFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        <input
          id={id}
          type="number"
          data-setting={name}
          min={min}
          max={max}
          step="any"
          value={value.value}
          onChange={({ currentTarget: input }) => {
            const next = input.valueAsNumber;
            if (next >= min && next <= max) value.value = next;
          }}
        />
      </div>
    </div>
  );
}
