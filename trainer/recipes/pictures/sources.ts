import { z } from 'zod';

/** Where pictures come from: drawn by the program, CIFAR-100 (`npm run data:cifar100`), or a user's folder (`npm run data:features -- --images DIR`). */
export const pictureSource = z.enum(['builtin', 'cifar100', 'folder']);
export type PictureSource = z.infer<typeof pictureSource>;

/** What the pictures are, in words that stand wherever they show. */
export const pictureTitles = { builtin: 'built-in demo pictures', cifar100: 'CIFAR-100', folder: 'own pictures' } as const;
