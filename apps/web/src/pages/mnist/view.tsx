/** The page's view. */

export function View() {
  return (
    <>
      <h1>MNIST in your tab</h1>
      <p class="lead">
        An update that gives up a little of the loss on this batch to keep the predictions on others, and the
        weights, where they are.
      </p>
    </>
  );
}
