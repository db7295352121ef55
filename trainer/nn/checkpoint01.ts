/** Checkpoints of program version 0.1 as those of today: the recipe's name stood in the config, and a trigger was called an occasion. */
interface Raw {
  recipe: unknown;
  config: unknown;
  state: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** @returns what it was given where it is not shaped like one of 0.1: whoever reads it then says what is wrong */
export function upgradeCheckpoint01({ config, state }: Omit<Raw, 'recipe'>): Raw {
  const { task, name: _name, ...rest } = isObject(config) ? config : {};
  const { kind, ...own } = isObject(task) ? task : {};
  const pending = isObject(state) && Array.isArray(state.pending) ? state.pending.map(withTrigger) : undefined;
  return {
    recipe: kind,
    config: { ...rest, task: own },
    state: isObject(state) && pending ? { ...state, pending } : state,
  };
}

function withTrigger(evaluation: unknown): unknown {
  if (!isObject(evaluation) || !('occasion' in evaluation)) return evaluation;
  const { occasion, ...rest } = evaluation;
  return { ...rest, trigger: occasion };
}
