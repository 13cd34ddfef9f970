/** Buttons: one primary one a page, the others plain. */
import type { ComponentChildren } from 'preact';

export interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  readonly primary?: boolean;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  /** For tests. */
  readonly name?: string;
}

export function Button({ children, onClick, primary = false, disabled = false, pressed, name }: ButtonProps) {
  return (
    <button
      type="button"
      class={primary ? 'button button-primary' : 'button'}
      disabled={disabled}
      {...(pressed !== undefined && { 'aria-pressed': pressed })}
      {...(name !== undefined && { 'data-action': name })}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

/** Buttons side by side, on several lines where they do not fit. */
export function ButtonRow({ children }: { readonly children: ComponentChildren }) {
  return <div class="button-row">{children}</div>;
}
