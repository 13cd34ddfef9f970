/** One of a few: radio buttons that look like a row of labels. Arrow keys move between them. */
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface ChoiceProps<T extends string> {
  readonly label: ComponentChildren;
  readonly value: Signal<T>;
  readonly options: readonly { readonly value: T; readonly label: ComponentChildren }[];
  readonly hint?: string;
  readonly disabled?: boolean;
  readonly name: string;
}

export function Choice<T extends string>({
  label,
  value,
  options,
  hint,
  disabled = false,
  name,
}: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset
      class="choice"
      disabled={disabled}
      {...(hint !== undefined && { 'aria-describedby': `${id}-hint` })}
    >
      <legend>{label}</legend>
      <div class="choice-options">
        {options.map((option) => (
          <label class="choice-option" key={option.value}>
            <input
              type="radio"
              name={id}
              value={option.value}
              data-setting={name}
              checked={value.value === option.value}
              onChange={() => (value.value = option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </fieldset>
  );
}
