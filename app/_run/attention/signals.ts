/** What the trainer's signals mean, for people. */
export interface SignalInfo {
  label: string;
  help: string;
  /** Runs from 0 to 1. */
  unit: boolean;
  chance: { value: number; label: string } | null;
}

export function signalInfo(name: string, keys: number): SignalInfo {
  const uniform = { value: 1 / keys, label: 'uniform' };
  switch (name) {
    case 'entropy':
      return { label: 'entropy', help: '1 = uniform, 0 = all weight on one key', unit: true, chance: null };
    case 'confidence':
      return { label: 'confidence', help: 'mean of each row’s largest weight', unit: true, chance: uniform };
    case 'antiDiagonal':
      return { label: 'mirror', help: 'weight on the mirrored position: what reversing needs', unit: true, chance: uniform };
    case 'oddMass':
      return { label: 'odd one', help: 'weight that the other images put on the odd one', unit: true, chance: uniform };
    case 'drift':
      return { label: 'drift', help: 'change since the snapshot before: look where it peaks', unit: false, chance: null };
    default:
      return { label: name, help: '', unit: false, chance: null };
  }
}
