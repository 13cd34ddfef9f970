/** The run on this page as a program: shown on request, copied with one click. The snippet runs as it stands. */
import { useState } from 'preact/hooks';
import { Button, ButtonRow } from './button.js';

export interface CopyAsCodeProps {
  readonly code: string;
  /** What to install first, shown above the program. */
  readonly install?: string;
}

type State = 'ready' | 'copied' | 'refused';

export function CopyAsCode({ code, install }: CopyAsCodeProps) {
  const [state, setState] = useState<State>('ready');
  const copy = (): void => {
    navigator.clipboard.writeText(code).then(
      () => setState('copied'),
      () => setState('refused'),
    );
  };
  return (
    <details class="code-copy">
      <summary>This run as a program</summary>
      <pre tabIndex={0} aria-label="Program" data-testid="code">
        {install === undefined ? code : `// ${install}\n${code}`}
      </pre>
      <ButtonRow>
        <Button onClick={copy} name="copy-code">
          Copy as code
        </Button>
        <span role="status" class="status">
          {state === 'copied' && 'Copied.'}
          {state === 'refused' && 'The browser does not allow copying here; select the text instead.'}
        </span>
      </ButtonRow>
    </details>
  );
}
