/** The formula of the page, its symbols, and the table of its terms. */
import { formatNumber } from '../../ui/format.js';
import { Lambda } from '../../ui/lambda.js';
import { NumbersTable } from '../../ui/numbers-table.js';
import type { FigureCurves, PanelId } from './family.js';

export function Equation() {
  return (
    <p class="equation">
      <i>θ′</i> = argmin <i>J</i>
      <sub>B</sub>(<i>θ′</i>) + <Lambda of="fsd" /> · mean <i>ρ</i>(<i>f</i>(<i>x̃</i>, <i>θ′</i>), <i>f</i>(
      <i>x̃</i>, <i>θ</i>)) + ½ <Lambda of="wsd" /> ‖<i>θ′</i> − <i>θ</i>‖²
    </p>
  );
}

const ROWS: readonly { readonly id: PanelId; readonly label: string }[] = [
  { id: 'both', label: 'Both terms' },
  { id: 'wsd', label: 'WSD alone' },
  { id: 'fsd', label: 'FSD alone' },
];

export function TermsTable({ figure }: { readonly figure: FigureCurves }) {
  return (
    <NumbersTable label="The terms after the step">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">loss on the example</th>
          <th scope="col">mean ½ (change of f)²</th>
          <th scope="col">½ ‖θ′ − θ‖²</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">None</th>
          <td>{formatNumber(figure.lossBefore)}</td>
          <td>0</td>
          <td>0</td>
        </tr>
        {ROWS.map(({ id, label }) => {
          const { loss, functionChange, weightChange } = figure.panels[id].chosen.terms;
          return (
            <tr key={id}>
              <th scope="row">{label}</th>
              <td>{formatNumber(loss)}</td>
              <td>{formatNumber(functionChange)}</td>
              <td>{formatNumber(weightChange)}</td>
            </tr>
          );
        })}
      </tbody>
    </NumbersTable>
  );
}
