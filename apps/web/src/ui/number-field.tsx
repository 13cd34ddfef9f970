/** A whole number to type in: seeds and sizes, where a slider would be too coarse. */
import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';

export interface NumberFieldProps {
  readonly label: string;
  readonly value: Signal<number>;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly hint?: string;
  readonly disabled?: boolean;
  readonly name: string;
}

/** Takes whole numbers in [min, max] and leaves the value alone for anything else, which the browser marks as invalid. */
export function NumberField({
  label,
  value,
  min,
  max,
  step = 1,
  hint,
  disabled = false,
  name,
}: NumberFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        <input
          id={id}
          type="number"
          inputMode="numeric"
          data-setting={name}
          min={min}
          max={max}
          step={step}
          value={value.value}
          disabled={disabled}
          {...(hint !== undefined && { 'aria-describedby': `${id}-hint` })}
          onChange={({ currentTarget: input }) => {
            const next = input.valueAsNumber;
            if (Number.isInteger(next) && next >= min && next <= max) value.value = next;
          }}
        />
      </div>
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
