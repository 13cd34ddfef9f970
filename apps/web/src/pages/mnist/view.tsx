/** Page 3: a network learns MNIST in this tab, at a fixed and at a self-tuned rate side by side (Figs. 5 and 28 of the paper). */
import { RunBar, RunMessages } from '../../training/run-bar.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { Probe } from '../../ui/probe.js';
import { AccuracyFigure, RaceFigure } from './charts.js';
import { MoreControls, PresetControl, RateControl, Readings } from './controls.js';
import { DrawFigure } from './draw-digit.js';
import { MistakesFigure } from './mistakes.js';
import { run, settings, start } from './page-state.js';
import { downloadable } from './record.js';
import { codec } from './settings.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { accuracyText } from './words.js';
import './mnist.css';

export function MnistPage() {
  return (
    <>
      <h1>MNIST in your tab</h1>
      <p class="lead">
        Two copies of one network learn handwritten digits: same first weights, same batches. One keeps the
        learning rate that you give it. The other starts there, too, and tunes it while it learns.
      </p>
      <RunBar
        run={run}
        startLabel="Train both"
        onStart={start}
        onDownload={download}
        outcome={accuracyText}
      />
      <div class="stage">
        <div class="figures">
          <RunMessages notes={settings.notes} run={run} onRetry={start} />
          <RaceFigure />
        </div>
        <aside class="panel" aria-label="Controls">
          <RateControl />
          <Readings />
          <PresetControl />
          <MoreControls />
          <CopyAsCode code={snippet(settings.current.value)} install={SNIPPET_INSTALL} />
        </aside>
        <div class="figures">
          <AccuracyFigure />
          <MistakesFigure />
          <DrawFigure />
        </div>
      </div>
      <RunProbe />
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
