/**
 * What a page shows, as data: `<Probe name="run" value={…} />` puts JSON into the page, unseen by readers, where a test finds it
 * (`readProbe(page, 'run')` of test/harness.ts) and asserts on numbers instead of pixels. Keep it to what the page has at hand.
 */

export interface ProbeProps {
  readonly name: string;
  /** JSON-safe; NaN and infinities become null. */
  readonly value: unknown;
}

export function Probe({ name, value }: ProbeProps) {
  const json = JSON.stringify(value);
  // `<` could end the element early.
  const html = json.replaceAll('<', '\\u003c');
  return <script type="application/json" data-probe={name} dangerouslySetInnerHTML={{ __html: html }} />;
}
