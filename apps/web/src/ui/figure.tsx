/** A figure: a drawing, its title above and its caption below. */
import type { ComponentChildren } from 'preact';

export interface FigureProps {
  readonly title?: string;
  readonly caption?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Figure({ title, caption, children }: FigureProps) {
  return (
    <figure class="figure">
      {title !== undefined && <h2 class="figure-title">{title}</h2>}
      {children}
      {caption !== undefined && <figcaption>{caption}</figcaption>}
    </figure>
  );
}
