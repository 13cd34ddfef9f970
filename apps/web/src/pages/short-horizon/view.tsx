/** The page's view. */

export function View() {
  return (
    <>
      <h1>The short horizon</h1>
      <p class="lead">
        What happens to the learning rate when the loss is measured on another batch than the one that gave
        the gradient.
      </p>
    </>
  );
}
