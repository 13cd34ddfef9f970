/** Sliders on a linear and on a logarithmic scale, with the value in the field's own units. Arrow keys move one step, Page Up and Down as many as the browser likes, about a tenth of the range. */
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { formatNumber } from './format.js';
import { useId } from 'preact/hooks';

export interface SliderProps {
  readonly label: ComponentChildren;
  readonly value: Signal<number>;
  readonly min: number;
  readonly max: number;
  /** Linear: in units of the value. Default: a hundredth of the range. */
  readonly step?: number;
  /** How the value reads, unit included. Default: three digits. */
  readonly format?: (value: number) => string;
  /** One line below the slider. */
  readonly hint?: string;
  readonly disabled?: boolean;
  /** For tests and for finding the field: the key of the setting. */
  readonly name: string;
}

export function Slider({ min, max, step = (max - min) / 100, ...props }: SliderProps) {
  return (
    <RangeField
      {...props}
      position={props.value.value}
      min={min}
      max={max}
      step={step}
      valueAt={(position) => position}
    />
  );
}

export interface LogSliderProps extends Omit<SliderProps, 'step'> {
  /** Positions per factor of ten. Default 20; each gives a value of two or three digits. */
  readonly perDecade?: number;
  /** Adds a position left of `min` that stands for 0. */
  readonly withZero?: boolean;
}

/** `min` and `max` are values, both > 0; equal distances are equal factors. */
export function LogSlider({ min, max, perDecade = 20, withZero = false, ...props }: LogSliderProps) {
  const low = Math.round(Math.log10(min) * perDecade);
  const high = Math.round(Math.log10(max) * perDecade);
  const value = props.value.value;
  const lowest = withZero ? low - 1 : low;
  return (
    <RangeField
      {...props}
      position={value > 0 ? Math.log10(value) * perDecade : lowest}
      min={lowest}
      max={high}
      step={1}
      valueAt={(position) => (position < low ? 0 : logValue(position, perDecade))}
    />
  );
}

/** 10^(position / perDecade), to three digits, so that it is short in an address. */
function logValue(position: number, perDecade: number): number {
  return Number((10 ** (position / perDecade)).toPrecision(3));
}

interface RangeFieldProps extends Omit<SliderProps, 'step'> {
  readonly position: number;
  readonly step: number;
  readonly valueAt: (position: number) => number;
}

function RangeField({
  label,
  value,
  position,
  min,
  max,
  step,
  valueAt,
  format = formatNumber,
  hint,
  disabled = false,
  name,
}: RangeFieldProps) {
  const id = useId();
  const text = format(value.value);
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{label}</label>
        <output for={id}>{text}</output>
      </div>
      <input
        id={id}
        type="range"
        data-setting={name}
        min={min}
        max={max}
        step={step}
        value={position}
        disabled={disabled}
        aria-valuetext={text}
        {...(hint !== undefined && { 'aria-describedby': `${id}-hint` })}
        onInput={(event) => (value.value = valueAt(event.currentTarget.valueAsNumber))}
      />
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
