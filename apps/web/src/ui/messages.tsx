/** What a page says: its state in one line, notes, and errors with a way to go on. Screen readers are told of changes. */
import type { ComponentChildren } from 'preact';
import type { Failure } from '../worker/failure.js';
import { Button } from './button.js';

/** One line that changes, announced politely. Keep numbers that change many times a second out of it. */
export function StatusLine({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="status" role="status" aria-live="polite" data-testid="status">
      {children}
    </p>
  );
}

/** Sentences that the reader should know about, for example what the address said that could not be used. Nothing for an empty list. */
export function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <div class="note" role="note" data-testid="notes">
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}

export interface ErrorPanelProps {
  /** What could not be done, as a sentence. */
  readonly title: string;
  readonly failure: Failure;
  readonly onRetry: () => void;
}

/** Announced at once. */
export function ErrorPanel({ title, failure, onRetry }: ErrorPanelProps) {
  return (
    <div class="error" role="alert" data-testid="error">
      <h2 class="figure-title">{title}</h2>
      <p>{failure.message}</p>
      {failure.cause !== undefined && (
        <details>
          <summary>Details</summary>
          <pre>{causes(failure).join('\n')}</pre>
        </details>
      )}
      <Button onClick={onRetry} name="retry">
        Try again
      </Button>
    </div>
  );
}

function causes({ name, code, message, cause }: Failure): string[] {
  const own = `${code ?? name}: ${message}`;
  return cause === undefined ? [own] : [own, ...causes(cause)];
}
