const notOfTraining = new Set('val valid validation test testing eval evaluation dev holdout heldout best'.split(' '));

/**
 * Whether the name says that a series is a loss of the training: "g_loss", "train/ceLoss", "loss/train"; not "val_loss", "loss_scale". Where no series is declared as
 * the loss, the list, the charts and the rules take these.
 */
export function isLossByName(name: string): boolean {
  if (!/loss/i.test(name)) return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean);
  const last = words.at(-1)!;
  return (last === 'loss' || (words[0] === 'loss' && /^train(ing)?$/.test(last))) && !words.some((w) => notOfTraining.has(w));
}
