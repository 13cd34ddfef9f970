/** The buttons and the messages of the pages that train. */
import type { ReadonlySignal } from '@preact/signals';
import { Button, ButtonRow } from '../ui/button.js';
import { ErrorPanel, Notes, StatusLine } from '../ui/messages.js';
import type { Failure } from '../worker/failure.js';
import type { EngineReport } from '../worker/engine-report.js';
import type { Loading, Phase } from './contract.js';
import { statusText } from './status-text.js';
import './run-bar.css';

/** What of a TrainingRun is shown here. */
export interface ShownRun<R extends { readonly step: number }> {
  readonly phase: ReadonlySignal<Phase>;
  readonly record: ReadonlySignal<R>;
  readonly engine: ReadonlySignal<EngineReport | undefined>;
  readonly loading: ReadonlySignal<Loading>;
  readonly failure: ReadonlySignal<Failure | undefined>;
  readonly lost: ReadonlySignal<string | undefined>;
  pause(): void;
  resume(): void;
  reset(): void;
}

export interface RunBarProps<R extends { readonly step: number }> {
  readonly run: ShownRun<R>;
  /** On the button that starts the first run. */
  readonly startLabel: string;
  readonly onStart: () => void;
  readonly onDownload: () => void;
  /** What a finished run has come to, as a sentence. */
  readonly outcome: (record: R) => string;
}

export function RunBar<R extends { readonly step: number }>(props: RunBarProps<R>) {
  const { run, startLabel, onStart, onDownload } = props;
  const phase = run.phase.value;
  return (
    <div class="run-bar">
      <ButtonRow>
        {phase === 'running' ? (
          <Button primary onClick={() => run.pause()} name="pause">
            Pause
          </Button>
        ) : phase === 'paused' ? (
          <Button primary onClick={() => run.resume()} name="resume">
            Resume
          </Button>
        ) : (
          <Button primary onClick={onStart} disabled={phase === 'loading'} name="start">
            {phase === 'finished' ? 'Train again' : startLabel}
          </Button>
        )}
        <Button onClick={() => run.reset()} disabled={phase === 'idle'} name="reset">
          Reset
        </Button>
        <Button onClick={onDownload} disabled={run.record.value.step === 0} name="download">
          Download the run
        </Button>
      </ButtonRow>
      <StatusLine>{status(props)}</StatusLine>
    </div>
  );
}

function status<R extends { readonly step: number }>({ run, outcome }: RunBarProps<R>): string {
  const { step } = run.record.value;
  return statusText({
    phase: run.phase.value,
    loading: run.loading.value,
    engine: run.engine.value,
    step,
    outcome: () => outcome(run.record.value),
  });
}

export interface RunMessagesProps {
  /** Of the page's own. */
  readonly notes: readonly string[];
  readonly run: Pick<ShownRun<{ readonly step: number }>, 'failure' | 'lost'>;
  readonly onRetry: () => void;
}

export function RunMessages({ notes, run, onRetry }: RunMessagesProps) {
  const failure = run.failure.value;
  const lost = run.lost.value;
  return (
    <>
      <Notes notes={notes} />
      {lost !== undefined && (
        <Notes notes={[`${lost} The run has been started again from its first step, on WASM.`]} />
      )}
      {failure !== undefined && (
        <ErrorPanel title="The run has stopped" failure={failure} onRetry={onRetry} />
      )}
    </>
  );
}
