const notOfTraining = new Set('val valid validation test testing eval evaluation dev holdout heldout best'.split(' '));

/**
 * Whether the name says that a series is a loss of the training: "g_loss", "train/ceLoss", "loss/train"; not "val_loss", "loss_scale". Where no series is declared as
 * the loss, the list, the charts and the rules take these.
 */
export function isLossByName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .match(/[a-z]+/g);
  if (!words || words.some((w) => notOfTraining.has(w))) return false;
  const last = words.at(-1);
  return last === 'loss' || (words[0] === 'loss' && (last === 'train' || last === 'training'));
}
