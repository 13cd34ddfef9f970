/** A number to type in: seeds, sizes, coordinates, where a slider would be too coarse. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';

export interface NumberFieldProps {
  readonly label: string;
  readonly value: Signal<number>;
  readonly min: number;
  readonly max: number;
  /** Takes decimals as well. Default: whole numbers only. */
  readonly decimal?: boolean;
  readonly hint?: string;
  readonly disabled?: boolean;
  readonly name: string;
}

/** Takes numbers in [min, max]. For anything else it says what it expects, and leaves the value alone. */
export function NumberField(props: NumberFieldProps) {
  const { label, value, min, max, decimal = false, hint, disabled = false, name } = props;
  const id = useId();
  const refused = useSignal(false);
  const refusedAt = useSignal(value.peek());
  useSignalEffect(() => {
    // Whoever sets another value has answered what was typed.
    if (value.value !== refusedAt.peek()) refused.value = false;
  });
  const take = (next: number): void => {
    refused.value = !(next >= min && next <= max && (decimal || Number.isInteger(next)));
    refusedAt.value = value.peek();
    if (!refused.value) value.value = next;
  };
  const expected = `Expected a ${decimal ? '' : 'whole '}number from ${min} to ${max}; ${value.value} is used.`;
  const text = refused.value ? expected : hint;
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        <input
          id={id}
          type="number"
          inputMode={decimal ? 'decimal' : 'numeric'}
          data-setting={name}
          min={min}
          max={max}
          step={decimal ? 'any' : 1}
          value={value.value}
          disabled={disabled}
          aria-invalid={refused.value}
          {...(text !== undefined && { 'aria-describedby': `${id}-hint` })}
          onChange={({ currentTarget }) => take(currentTarget.valueAsNumber)}
        />
      </div>
      {text !== undefined && (
        <p
          class={refused.value ? 'field-hint field-refused' : 'field-hint'}
          id={`${id}-hint`}
          {...(refused.value && { role: 'alert' as const })}
        >
          {text}
        </p>
      )}
    </div>
  );
}
