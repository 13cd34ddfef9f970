/** Page 4: the factors of a learned preconditioner as they learn, beside momentum and KFAC. */
import { RunBar, RunMessages } from '../../training/run-bar.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { Notes } from '../../ui/messages.js';
import { Probe } from '../../ui/probe.js';
import { engineText } from '../../training/status-text.js';
import { RUNS } from './contract.js';
import type { RunName } from './contract.js';
import { MainControls, MoreControls, PresetControl } from './controls.js';
import { FactorsFigure, matrices } from './factors-figure.js';
import { LossFigure } from './loss-figure.js';
import { factsOf } from './matrix-facts.js';
import { run, settings, start } from './page-state.js';
import { lossNow } from './record.js';
import { ReconstructionsFigure } from './reconstructions-figure.js';
import { snippet, SNIPPET_INSTALL } from './snippet.js';
import { Explanation } from './text.js';
import { lossSentence } from './words.js';
import './preconditioner.css';

export function View() {
  return (
    <>
      <h1>Inside the preconditioner</h1>
      <p class="lead">
        Three copies of one autoencoder learn to squeeze digits through a narrow code. One is trained by
        momentum, one by KFAC, which computes its preconditioner, and one by a preconditioner that is itself
        learned, while you watch.
      </p>
      <RunBar
        run={run}
        startLabel="Train all three"
        onStart={start}
        onDownload={download}
        outcome={lossSentence}
      />
      <div class="stage">
        <div class="figures">
          <RunMessages notes={settings.notes} run={run} onRetry={start} />
          <Notes notes={breakdowns()} />
          <LossFigure />
        </div>
        <aside class="panel" aria-label="Controls">
          <MainControls />
          <PresetControl />
          <MoreControls />
          <Engine />
          <CopyAsCode code={snippet(settings.current.value)} install={SNIPPET_INSTALL} />
        </aside>
        <div class="figures">
          <ReconstructionsFigure />
          <FactorsFigure />
        </div>
      </div>
      <Explanation />
      <RunProbe />
    </>
  );
}

/** Why runs have ended before the others. */
function breakdowns(): string[] {
  const { broken } = run.record.value;
  return RUNS.flatMap((name) => (broken[name] === null ? [] : [broken[name].reason]));
}

function Engine() {
  const engine = run.engine.value;
  if (engine === undefined) return null;
  return (
    <p class="field-hint" data-testid="engine">
      {engineText(engine)}
    </p>
  );
}

/** Enough for a test to see what is going on; the download has all of it. */
function RunProbe() {
  const { step, losses, timing, broken, rates, testLosses, matrices: latest, tensors } = run.record.value;
  const byRun = <T,>(value: (name: RunName) => T) => ({
    momentum: value('momentum'),
    kfac: value('kfac'),
    apo: value('apo'),
  });
  const facts = (matrix: (typeof matrices)['A']) =>
    matrix.value && { ...factsOf(matrix.value, 1), rows: matrix.value.rows, columns: matrix.value.columns };
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
        first: byRun((name) => losses[name].slice(0, 3)),
        last: byRun((name) => lossNow(losses[name])),
        timing,
        broken,
        rate: rates.at(-1)?.rate,
        testLosses: testLosses.at(-1),
        layer: latest?.layer,
        layerRate: latest?.rate,
        factors: { A: facts(matrices.A), B: facts(matrices.B), S: facts(matrices.S) },
        tensors,
      }}
    />
  );
}

/** All numbers but the matrices, which would be most of the file. */
function download(): void {
  const { step, losses, timing, broken, rates, testLosses } = run.record.peek();
  downloadJson('apo-preconditioner-run.json', {
    settings: run.settings.peek() ?? settings.current.peek(),
    engine: run.engine.peek(),
    step,
    losses,
    timing,
    broken,
    rates,
    testLosses,
  });
}
