import { expect, it } from 'vitest';
import { describeLabels } from '~/shared/labels';

it.each([
  [{ name: 'b', trashed: true }, 'named it "b", put it into the trash'],
  [{ tags: ['paper', 'x'], archived: false }, 'tagged it paper, x, took it out of the archive'],
  [{ tags: [], archived: true, trashed: false }, 'took its tags off, archived it, took it out of the trash'],
  [{}, ''],
])('%j: %s', (labels, words) => expect(describeLabels(labels)).toBe(words));
