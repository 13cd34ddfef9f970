/** A meta-optimizer for each entry of φ: log η by RMSprop and the rest by Adam, say. State is kept only where it is used. */
import { requireArgument } from '../errors.js';
import type { RuleState, TensorMap } from '../update-rule.js';
import type { MetaMove, MetaOptimizer } from './meta-optimizer.js';

/** Meta-optimizers by the name of an entry of φ; `rest` moves every other entry. */
export type MetaByEntry = Readonly<Record<string, MetaOptimizer>> & { readonly rest: MetaOptimizer };

/**
 * ```ts
 * metaByEntry({ logLearningRate: metaRmsprop({ decay: 0.9, biasCorrection: true }), rest: metaAdam({ learningRate: 1e-3 }) })
 * ```
 * An entry is moved as if its optimizer moved it alone, and its state has the names it would have then.
 * @throws ApoError `INVALID_ARGUMENT`, when the optimizer is built, for a name that is no entry of φ.
 */
export function metaByEntry(choices: MetaByEntry): MetaOptimizer {
  const { rest, ...named } = choices;
  const parts = (phi: TensorMap): [MetaOptimizer, string[]][] => {
    const entries = Object.keys(phi);
    for (const name of Object.keys(named)) {
      requireArgument(
        name in phi,
        () =>
          `metaByEntry names the entry "${name}", which φ does not have; expected rest or one of ${entries.slice(0, 6).join(', ')}${entries.length > 6 ? ', …' : ''}.`,
      );
    }
    const byOptimizer = new Map<MetaOptimizer, string[]>();
    for (const entry of entries) {
      const optimizer = named[entry] ?? rest;
      byOptimizer.set(optimizer, [...(byOptimizer.get(optimizer) ?? []), entry]);
    }
    return [...byOptimizer];
  };
  return {
    initialState: (phi) =>
      merged(parts(phi).map(([optimizer, entries]) => optimizer.initialState(only(phi, entries)))),
    move(input, limits) {
      const moves = parts(input.variables).map(([optimizer, entries]): MetaMove => {
        const state = Object.fromEntries(
          Object.entries(input.state).map(([slot, map]) => [slot, only(map, entries)]),
        );
        const variables = only(input.variables, entries);
        const gradients = only(input.gradients, entries);
        return optimizer.move({ ...input, variables, gradients, state }, limits);
      });
      // φ keeps its order: checkpoints and tables list entries by it.
      const phi = Object.assign({}, ...moves.map((move) => move.phi)) as TensorMap;
      return { phi: only(phi, Object.keys(input.variables)), state: merged(moves.map((move) => move.state)) };
    },
  };
}

/** The entries of `map` with these names, in this order; names that it lacks are left out. */
function only(map: TensorMap, names: readonly string[]): TensorMap {
  return Object.fromEntries(names.flatMap((name) => (map[name] ? [[name, map[name]]] : [])));
}

/** States of different entries as one. */
function merged(states: readonly RuleState[]): RuleState {
  const result: Record<string, TensorMap> = {};
  for (const state of states)
    for (const [slot, map] of Object.entries(state)) result[slot] = { ...result[slot], ...map };
  return result;
}
