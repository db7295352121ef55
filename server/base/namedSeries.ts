import type { Series, SeriesRole } from '~/shared/series';

/** Default roles of series by name; the Python client has the same list. */
const rolesByName = new Map<string, SeriesRole>([
  ['loss', 'loss'],
  ['train/loss', 'loss'],
  ['train_loss', 'loss'],
  ['accuracy', 'accuracy'],
  ['train/accuracy', 'accuracy'],
  ['acc', 'accuracy'],
  ['lr', 'learningRate'],
  ['learning_rate', 'learningRate'],
  ['train/learning_rate', 'learningRate'],
  ['grad_norm', 'gradNorm'],
  ['train/grad_norm', 'gradNorm'],
  ['epoch', 'epoch'],
  ['train/epoch', 'epoch'],
]);

/** What the name of a series says of it; its group is the name up to the last "/". */
export function columnOf(name: string): Series {
  const at = name.lastIndexOf('/');
  const role = rolesByName.get(name);
  return {
    name,
    ...(at > 0 && { group: name.slice(0, at).slice(0, 128) }),
    ...(role && { role }),
    ...(role === 'epoch' && { x: true }),
  };
}
