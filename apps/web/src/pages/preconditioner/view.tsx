/** The page's view. */

export function View() {
  return (
    <>
      <h1>Inside the preconditioner</h1>
      <p class="lead">The two sides of each layer’s preconditioner, and its scale, while they learn.</p>
    </>
  );
}
