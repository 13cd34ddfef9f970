/** Page 4: the factors of a learned preconditioner as they learn, beside momentum and KFAC. */
import { Button, ButtonRow } from '../../ui/button.js';
import { CopyAsCode } from '../../ui/copy-as-code.js';
import { downloadJson } from '../../ui/download.js';
import { ErrorPanel, Notes, StatusLine } from '../../ui/messages.js';
import { Probe } from '../../ui/probe.js';
import { engineName } from '../../worker/engine-report.js';
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
import { statusText } from './words.js';
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
      <RunBar />
      <div class="stage">
        <div class="figures">
          <Messages />
          <LossFigure />
          <ReconstructionsFigure />
          <FactorsFigure />
        </div>
        <aside class="panel" aria-label="Controls">
          <MainControls />
          <PresetControl />
          <MoreControls />
          <Engine />
          <CopyAsCode code={snippet(settings.current.value)} install={SNIPPET_INSTALL} />
        </aside>
      </div>
      <Explanation />
      <RunProbe />
    </>
  );
}

function RunBar() {
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
          <Button primary onClick={start} disabled={phase === 'loading'} name="start">
            {phase === 'finished' ? 'Train again' : 'Train all three'}
          </Button>
        )}
        <Button onClick={() => run.reset()} disabled={phase === 'idle'} name="reset">
          Reset
        </Button>
        <Button onClick={download} disabled={run.record.value.step === 0} name="download">
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
  const { broken } = run.record.value;
  const breakdowns = RUNS.flatMap((name) => (broken[name] === null ? [] : [broken[name].reason]));
  return (
    <>
      <Notes notes={settings.notes} />
      <Notes notes={breakdowns} />
      {lost !== undefined && (
        <Notes notes={[`${lost} The run has been started again from its first step, on WASM.`]} />
      )}
      {failure !== undefined && <ErrorPanel title="The run has stopped" failure={failure} onRetry={start} />}
    </>
  );
}

function Engine() {
  const engine = run.engine.value;
  if (engine === undefined) return null;
  const parts = [`On ${engineName(engine)}.`, engine.why, engine.warning];
  return (
    <p class="field-hint" data-testid="engine">
      {parts.filter((part) => part !== '').join(' ')}
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
