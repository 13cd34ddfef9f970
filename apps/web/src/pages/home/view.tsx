/** The front page: the idea in a minute, and the way to the five pages. */
import { PAGES } from '../../ui/page.js';

export function View() {
  return (
    <>
      <h1>Optimizers that tune themselves</h1>
      <ul>
        {PAGES.map(({ id, title, href }) => (
          <li key={id}>
            <a href={href}>{title}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
