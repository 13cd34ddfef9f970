/** The frame that every page stands in, and how a page is started: `startPage('mnist', View)`. */
import { render } from 'preact';
import type { ComponentChildren, ComponentType } from 'preact';
import { toggleTheme, theme } from './theme.js';
import './theme.css';
import './layout.css';
import './controls.css';

export const PAGES = [
  { id: 'proximal', title: 'Proximal step', href: './proximal.html' },
  { id: 'rosenbrock', title: 'Rosenbrock', href: './rosenbrock.html' },
  { id: 'mnist', title: 'MNIST', href: './mnist.html' },
  { id: 'preconditioner', title: 'Preconditioner', href: './preconditioner.html' },
  { id: 'short-horizon', title: 'Short horizon', href: './short-horizon.html' },
] as const;

export type PageId = (typeof PAGES)[number]['id'] | 'home';

/** Shows `View` in the frame. */
export function startPage(id: PageId, View: ComponentType): void {
  render(
    <Frame id={id}>
      <View />
    </Frame>,
    document.getElementById('app')!,
  );
}

function Frame({ id, children }: { readonly id: PageId; readonly children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="frame site-header">
        <a class="site-name" href="./index.html" {...(id === 'home' && { 'aria-current': 'page' as const })}>
          Amortized Proximal Optimization
        </a>
        <nav class="site-nav" aria-label="Pages">
          <ul>
            {PAGES.map((page) => (
              <li key={page.id}>
                <a href={page.href} {...(page.id === id && { 'aria-current': 'page' as const })}>
                  {page.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <ThemeSwitch />
      </header>
      <main class="frame" id="content" tabIndex={-1}>
        {children}
      </main>
      <footer class="frame site-footer">
        After Bae, Vicol, HaoChen and Grosse,{' '}
        <a href="https://arxiv.org/abs/2203.00089">Amortized Proximal Optimization</a>. Everything here is
        computed in this tab; nothing is sent anywhere.
      </footer>
    </>
  );
}

function ThemeSwitch() {
  const other = theme.value === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      class="theme-switch"
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      onClick={toggleTheme}
    >
      <span aria-hidden="true">{theme.value === 'dark' ? '☀' : '☾'}</span>
    </button>
  );
}
