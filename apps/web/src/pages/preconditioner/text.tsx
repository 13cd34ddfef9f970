/** The words below the stage. */

export function Explanation() {
  return (
    <section class="prose after-stage">
      <h2>What is learned, and from what</h2>
      <p>
        A preconditioner <i class="math">P</i> turns the gradient into a better step,{' '}
        <i class="math">θ′ = θ − η P g</i>. Written out for all weights of a layer it would be far too large,
        so it is kept as three smaller matrices: what the layer’s outputs do to each other in{' '}
        <i class="math">A</i>, what its inputs do in <i class="math">B</i>, and a factor for each single
        weight in <i class="math">S</i>. Whatever their entries are, <i class="math">P</i> is symmetric and
        never turns a step uphill.
      </p>
      <p>
        KFAC computes two such factors from the statistics of activations and gradients, and inverts them.
        Here nothing is inverted: after each step the network is looked at once where the step would lead, and{' '}
        <i class="math">A</i>, <i class="math">B</i>, <i class="math">S</i> and <i class="math">η</i> move
        such that the loss there falls while the predictions change little. KFAC knows the curvature from its
        first batches on and stays ahead in this run, 27 nats after 600 steps. The learned preconditioner has
        to find it out. It begins last and ends at 29, where momentum ends at the best rate that was found for
        it by trying; nobody has told it a rate or a damping.
      </p>
      <p>
        The loss is the cross-entropy of the pixels, summed over an image of 14 × 14, plus a weight decay of
        10⁻⁵. Momentum has μ = 0.9. KFAC inverts its factors every 10 steps, with damping 10⁻³.
      </p>
    </section>
  );
}
