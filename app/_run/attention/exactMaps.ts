import { aggregate, deriveMaps, type HeadMaps, headMap, ofOneSize } from '~/app/_charts/attention/derive';
import type { SnapshotFeed } from '~/app/_live/snapshotFeed';
import type { Operation } from '~/shared/attention';
import type { Large } from './large';
import type { Scene } from './useScene';

/** The scene's maps from exact weights; fetches them where the page has only rounded ones. @throws Error when they cannot be loaded */
export async function exactMaps(feed: SnapshotFeed, { recorded, source, exactReference }: Scene): Promise<HeadMaps> {
  const example = source.kind === 'example' ? source.example : null;
  const [snapshot, reference] = await Promise.all([feed.load(recorded, { example, exact: true }), exactReference()]);
  return deriveMaps(snapshot, source, reference);
}

/** The large map, computed from exact weights. */
export async function exactLarge(
  feed: SnapshotFeed,
  scene: Scene,
  { head }: Pick<Large, 'head'>,
  operation: Operation,
): Promise<Float32Array> {
  const maps = await exactMaps(feed, scene);
  return head ? headMap(maps, head.layer, head.head) : aggregate(maps, ofOneSize(maps, scene.shown).heads, operation).values;
}
