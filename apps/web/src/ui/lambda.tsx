/** λ with the name of its term: `fsd`, the function-space discrepancy, or `wsd`, the weight-space discrepancy. */

export function Lambda({ of }: { readonly of: 'fsd' | 'wsd' }) {
  return (
    <span class="math">
      λ<sub>{of.toUpperCase()}</sub>
    </span>
  );
}
