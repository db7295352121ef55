/** The 100 classes of the built-in pictures: a class is one choice of shape, color, texture and arrangement. */
import { RandomStream } from '~/trainer/nn/random';

export const shapes = ['disc', 'square', 'triangle', 'star', 'ring', 'cross', 'diamond', 'hexagon'] as const;
export const colors = ['red', 'orange', 'yellow', 'green', 'teal', 'blue', 'purple', 'pink'] as const;
export const textures = ['plain', 'striped', 'checked', 'dotted', 'shaded'] as const;
export const arrangements = ['one', 'two', 'three in a row', 'four in a square', 'five around'] as const;

/** Indices into the four lists. */
export interface PictureClass {
  shape: number;
  color: number;
  texture: number;
  arrangement: number;
}

const sizes = [shapes.length, colors.length, textures.length, arrangements.length] as const;
export const classCount = 100;

const features = (c: PictureClass) => [c.shape, c.color, c.texture, c.arrangement];
export const differences = (a: PictureClass, b: PictureClass): number =>
  features(a).filter((f, i) => f !== features(b)[i]).length;

/**
 * The classes, always the same. The first 60 differ from each other in at least two features; each of the last 40 is similar to one of them and differs from
 * it in one feature only, by one position in the feature's list (orange for red, a hexagon for a diamond).
 */
export function pictureClasses(): PictureClass[] {
  const random = new RandomStream(0, 'pictures/classes');
  let at = 0;
  const draw = (n: number) => random.integer(at++, n);
  const classes: PictureClass[] = [];
  while (classes.length < 60) {
    const [shape, color, texture, arrangement] = sizes.map(draw) as [number, number, number, number];
    const candidate = { shape, color, texture, arrangement };
    if (classes.every((c) => differences(c, candidate) >= 2)) classes.push(candidate);
  }
  for (let base = 0; classes.length < classCount; base++) {
    const relative = features(classes[base % 60]!);
    const which = draw(4);
    relative[which] = (relative[which]! + 1) % sizes[which]!;
    const [shape, color, texture, arrangement] = relative as [number, number, number, number];
    const candidate = { shape, color, texture, arrangement };
    if (classes.every((c) => differences(c, candidate) >= 1)) classes.push(candidate);
  }
  return classes;
}

/** "three in a row: striped red star" */
export const classTitle = (c: PictureClass): string =>
  `${arrangements[c.arrangement]}: ${textures[c.texture]} ${colors[c.color]} ${shapes[c.shape]}`;
