/** Page 3: a network learns MNIST in this tab, at a fixed and at a self-tuned rate side by side (Figs. 5 and 28 of the paper). */
import { Button, ButtonRow } from '../../ui/button.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { ErrorPanel, Notes, StatusLine } from '../../ui/messages.js';
import { Probe } from '../../ui/probe.js';
import { AccuracyFigure, RaceFigure } from './charts.js';
import { MoreControls, PresetControl, RateControl, Readings } from './controls.js';
import { DrawFigure } from './draw-digit.js';
import { MistakesFigure } from './mistakes.js';
import { run, settings, start } from './page-state.js';
import { downloadable } from './record.js';
import { codec } from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { statusText } from './words.js';
import './mnist.css';

export function MnistPage() {
  return (
    <>
      <h1>MNIST in your tab</h1>
      <p class="lead">
        Two copies of one network learn handwritten digits: same first weights, same batches. One keeps the
        learning rate that you give it. The other starts there, too, and tunes it while it learns.
      </p>
      <RunBar />
      <div class="stage mnist-stage">
        <div class="figures mnist-main">
          <Messages />
          <RaceFigure />
        </div>
        <aside class="panel mnist-panel" aria-label="Controls">
          <RateControl />
          <Readings />
          <PresetControl />
          <MoreControls />
          <CopyAsCode code={snippet(settings.current.value)} install={SNIPPET_INSTALL} />
        </aside>
        <div class="figures mnist-rest">
          <AccuracyFigure />
          <MistakesFigure />
          <DrawFigure />
        </div>
      </div>
      <RunProbe />
    </>
  );
}

function RunBar() {
  const phase = run.phase.value;
  const has = run.record.value.step > 0;
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
          <Button primary onClick={start} disabled={phase === 'loading'} name="start">
            {phase === 'finished' ? 'Train again' : 'Train both'}
          </Button>
        )}
        <Button onClick={() => run.reset()} disabled={phase === 'idle'} name="reset">
          Reset
        </Button>
        <Button onClick={download} disabled={!has} name="download">
          Download the run
        </Button>
      </ButtonRow>
      <StatusLine>{statusText(phase, run.loading.value, run.engine.value, run.record.peek())}</StatusLine>
    </div>
  );
}

function Messages() {
  const failure = run.failure.value;
  const lost = run.lost.value;
  return (
    <>
      <Notes notes={settings.notes} />
      {lost !== undefined && (
        <Notes notes={[`${lost} The run has been started again from its first step, on WASM.`]} />
      )}
      {failure !== undefined && <ErrorPanel title="The run has stopped" failure={failure} onRetry={start} />}
    </>
  );
}

/** Enough for a test to see what is going on; the download has all of it. */
function RunProbe() {
  const { step, losses, metaSteps, evaluations, failedAt, timing, tensors } = run.record.value;
  return (
    <Probe
      name="run"
      value={{
        phase: run.phase.value,
        engine: run.engine.value ?? null,
        settings: settings.current.value,
        // What the run was started with.
        running: run.settings.value ?? null,
        step,
        first: { fixed: losses.fixed[0], tuned: losses.tuned[0] },
        last: { fixed: losses.fixed.at(-1), tuned: losses.tuned.at(-1) },
        rate: metaSteps.at(-1)?.rate,
        metaSteps: metaSteps.length,
        evaluation: evaluations.at(-1),
        failedAt,
        timing,
        tensors,
      }}
    />
  );
}

function download(): void {
  const of = run.settings.peek() ?? settings.current.peek();
  downloadJson(
    'apo-mnist-run.json',
    downloadable(run.record.peek(), of, run.engine.peek(), codec.toSearch(of)),
  );
}
