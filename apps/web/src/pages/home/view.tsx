/** The front page: the idea in a minute, and the way to the five pages. */
import { PAGES } from '../../ui/page.js';
import { Picture } from './pictures.js';
import './home.css';

const SENTENCES: Readonly<Record<(typeof PAGES)[number]['id'], string>> = {
  proximal: 'Drag a point of a regression, and see how far one step should go for it.',
  rosenbrock: 'Fixed and self-tuned steps race down a curved valley.',
  mnist: 'A network learns handwritten digits in this tab, from a learning rate of your choice, however bad.',
  preconditioner: 'What a learned preconditioner looks like from inside, while it learns.',
  'short-horizon':
    'The loss must be looked at on the batch that gave the gradient. Or else the learning rate collapses.',
};

export function HomePage() {
  return (
    <>
      <div class="hero">
        <h1 class="home-title">Optimizers that tune themselves</h1>
        <p class="lead">
          How far should the next step of training go? Amortized Proximal Optimization finds out while it
          trains: it looks one step ahead, sees what that step would do, and adapts the learning rate, or a
          whole preconditioner, so that the next step does it better.
        </p>
      </div>
      <Idea />
      <nav aria-label="The five pages">
        <ul class="cards">
          {PAGES.map(({ id, title, href }) => (
            <li key={id}>
              <a class="card" href={href}>
                <Picture page={id} />
                <strong>{title}</strong>
                <span>{SENTENCES[id]}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <Program />
    </>
  );
}

function Idea() {
  return (
    <section class="idea" aria-labelledby="idea">
      <h2 id="idea">The idea in a minute</h2>
      <p class="prose">
        A step is a function of parameters <i class="math">φ</i>: the learning rate, or the entries of a
        preconditioner. A good step lowers the loss without undoing what has been learned from other data. So
        every few steps a step is tried, and judged by
      </p>
      <p
        class="equation"
        role="math"
        aria-label="Q of phi: the loss after the step, plus lambda FSD times the change of the predictions, plus one half lambda WSD times the change of the weights"
      >
        <span class="math">Q(φ)</span> <span>=</span>
        <span class="term">
          <span class="math">
            J<sub>B</sub>(θ′)
          </span>
          <small>the loss of this batch after the step</small>
        </span>
        <span>+</span>
        <span class="term">
          <span class="math">
            λ<sub>FSD</sub> ρ(f(x̃, θ′), f(x̃, θ))
          </span>
          <small>how much predictions for other inputs change</small>
        </span>
        <span>+</span>
        <span class="term">
          <span class="math">
            ½ λ<sub>WSD</sub> ‖θ′ − θ‖²
          </span>
          <small>how far the weights go</small>
        </span>
      </p>
      <p class="prose">
        and <i class="math">φ</i> moves a little down the gradient of Q. That takes one more backward pass,
        every tenth step, and no second derivatives. Solving for the best step itself each time is the
        proximal point method; learning <i class="math">φ</i> spreads its price over the whole of training,
        which is what “amortized” says.
      </p>
    </section>
  );
}

const PROGRAM = `import { attachApo, sgd } from '@apo/core';

model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
attachApo(model, sgd()); // no learning rate to choose
await model.fit(x, y, { epochs: 5 });`;

function Program() {
  return (
    <section class="program" aria-labelledby="program">
      <h2 id="program">In a program of your own</h2>
      <p class="prose">One line more in a program for TensorFlow.js, in a page or in Node:</p>
      <pre tabIndex={0} aria-labelledby="program">
        {PROGRAM}
      </pre>
    </section>
  );
}
