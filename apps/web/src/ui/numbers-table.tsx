/** A table of numbers that scrolls sideways where the page is narrower, by keyboard as well. */
import type { ComponentChildren } from 'preact';
import './tables.css';

export interface NumbersTableProps {
  readonly label: string;
  /** `thead` and `tbody`; the first column has the names of the rows. */
  readonly children: ComponentChildren;
}

export function NumbersTable({ label, children }: NumbersTableProps) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="numbers">{children}</table>
    </div>
  );
}
