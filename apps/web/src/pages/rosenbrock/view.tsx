/** The page's view. */

export function View() {
  return (
    <>
      <h1>A race on Rosenbrock’s function</h1>
      <p class="lead">
        Fixed rates, a self-tuned rate and a self-tuned preconditioner start from the same point of a curved
        valley.
      </p>
    </>
  );
}
