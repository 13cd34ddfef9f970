/** Test digits that a network reads wrongly. */
import { signal } from '@preact/signals';
import { Choice } from '../../ui/choice.js';
import { Figure } from '../../ui/figure.js';
import { formatCount } from '../../ui/format.js';
import type { RunName } from './contract.js';
import { DigitTile } from './digit-tile.js';
import { run } from './page-state.js';
import { wrongAnswers } from './record.js';

/** As many as are shown. */
const SHOWN = 24;

const whose = signal<RunName>('tuned');

export function MistakesFigure() {
  const test = run.started.value?.test;
  const answers = run.record.value.answers?.[whose.value];
  const failed = run.record.value.failedAt[whose.value] !== null;
  const wrong = test === undefined || answers === undefined ? [] : wrongAnswers(answers, test.labels);
  return (
    <Figure
      title="Digits that are read wrongly"
      caption="The first mistakes among the 1,000 test digits: what the digit is, and what the network takes it for."
    >
      <Choice
        label="Network"
        name="mistakes"
        value={whose}
        options={[
          { value: 'tuned', label: 'Self-tuned rate' },
          { value: 'fixed', label: 'Fixed rate' },
        ]}
      />
      <p class="status mistakes-count" data-testid="mistakes">
        {answers === undefined
          ? 'No network has been trained yet.'
          : failed
            ? 'This run broke down; its network reads nothing.'
            : `${formatCount(wrong.length, 'mistake')} in ${formatCount(answers.length, 'digit')}.`}
      </p>
      {!failed && (
        <ul class="digit-list">
          {wrong.slice(0, SHOWN).map((i) => (
            <li key={i}>
              <DigitTile image={test!.images.subarray(784 * i, 784 * (i + 1))} size={48} />
              <span>
                {test!.labels[i]} <span class="visually-hidden">read as</span>
                <span aria-hidden="true">→</span> {answers![i]}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Figure>
  );
}
