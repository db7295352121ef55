import type { Spot } from '~/app/_charts/attention/focus';
import type { Box } from '~/app/_charts/attention/layout';
import { headName } from '~/app/_charts/attention/tokens';
import { cut } from '~/app/_charts/format';
import { colorOf, initials } from '~/app/_components/Avatars';
import { mostNotes, useList } from '~/app/_live/lists';
import { usePresent } from '~/app/_live/PresenceProvider';
import { grouped } from '~/shared/grouped';
import type { Note } from '~/shared/notes';
import { counted } from '~/shared/numbers';
import type { Looking } from '~/shared/viewerProtocol';
import { describeAnchorAtStep, isThread, threadsOfHead } from './anchors';
import { noteDesk, type Place, placeOf, type ScreenPlace } from './noteDesk';

/** Opens a new note on a head or one of its cells. A map that combines heads has no cells of one head, so its notes are about the step. */
export function writeOnMap(step: number, { layer, head, query, key }: Spot, at: ScreenPlace): void {
  const places: Place[] = [];
  const add = (of: Place['anchor']['head']) => {
    const anchor = { step, chart: null, head: of };
    places.push({ words: describeAnchorAtStep(anchor), anchor });
  };
  if (layer !== null && head !== null) {
    if (query !== null && key !== null) add({ layer, head, cell: { query, key } });
    add({ layer, head, cell: null });
  }
  add(null);
  noteDesk.write(places, at);
}

const words = (threads: readonly Note[]): string =>
  threads.map((n) => `${describeAnchorAtStep(n.anchor)}: ${n.author.name}: ${cut(n.text, 100)}`).join('\n');

/** Number of threads, in the upper right corner of a map. */
function Badge({ threads, box, of }: { threads: readonly Note[]; box: Box; of: string }) {
  return (
    <button
      type="button"
      className="pointer-events-auto absolute grid h-4 min-w-4 place-items-center rounded-sm bg-accent px-0.5 text-2xs leading-none font-semibold text-on-accent shadow outline-offset-1 before:absolute before:-inset-1"
      style={{ left: box.x + box.width - 18, top: box.y + 2 }}
      aria-label={`${counted(threads.length, 'note')} on ${of}`}
      title={words(threads)}
      onClick={(e) => noteDesk.read(threads, placeOf(e.currentTarget))}
    >
      {threads.length}
    </button>
  );
}

/** Over the grid of heads: the number of threads on each head, and the people who point at it. */
export function HeadOverlay(props: {
  boxOf: (layer: number, head: number) => Box | null;
  step: number;
  layers: readonly { heads: number }[];
}) {
  const { boxOf, step, layers } = props;
  const notes = useList('notes', mostNotes);
  const others = usePresent((p) => p.others);
  const pinned = notes.filter((n) => isThread(n) && !n.resolved && n.anchor.head);
  const noted = [...grouped(pinned, ({ anchor: { head } }) => `${head!.layer}.${head!.head}`)].map(
    ([, [first]]) => first!.anchor.head!,
  );
  return (
    <>
      {noted.map(({ layer, head }) => {
        const box = head < (layers[layer]?.heads ?? 0) ? boxOf(layer, head) : null;
        const threads = threadsOfHead(notes, layer, head, step);
        return box && <Badge key={`${layer}.${head}`} threads={threads} box={box} of={headName(layer, head)} />;
      })}
      <Others others={others} boxOf={({ layer, head }) => boxOf(layer!, head!)} />
    </>
  );
}

/** Over the large map of one head: cells with threads, and cells that other people point at. */
export function CellOverlay(props: {
  boxOf: (query: number, key: number) => Box;
  step: number;
  head: { layer: number; head: number } | null;
  queries: number;
  keys: number;
}) {
  const { boxOf, step, head, queries, keys } = props;
  const notes = useList('notes', mostNotes);
  const others = usePresent((p) => p.others);
  if (!head) return null;
  const inside = (cell: { query: number; key: number }) => cell.query < queries && cell.key < keys;
  const threads = threadsOfHead(notes, head.layer, head.head, step);
  const cells = threads.filter((n) => n.anchor.head?.cell && inside(n.anchor.head.cell));
  const whole = threads.filter((n) => !n.anchor.head?.cell);
  const [left, right] = [boxOf(0, 0), boxOf(queries - 1, keys - 1)];
  const above = { x: left.x, y: Math.min(left.y, right.y) - 20, width: right.x + right.width - left.x, height: 0 };
  return (
    <>
      {whole.length > 0 && <Badge threads={whole} box={above} of={headName(head.layer, head.head)} />}
      {[...grouped(cells, (n) => `${n.anchor.head!.cell!.query}.${n.anchor.head!.cell!.key}`)].map(([at, group]) => {
        const { query, key } = group[0]!.anchor.head!.cell!;
        const box = boxOf(query, key);
        return (
          <button
            key={at}
            type="button"
            className="pointer-events-auto absolute before:absolute before:-inset-1.5"
            style={{ left: box.x + box.width - 8, top: box.y, width: 9, height: 9 }}
            aria-label={`${counted(group.length, 'note')} on query ${query + 1} to key ${key + 1}`}
            title={words(group)}
            onClick={(e) => noteDesk.read(group, placeOf(e.currentTarget))}
          >
            <svg viewBox="0 0 9 9" aria-hidden className="size-full overflow-visible">
              <path d="M0 0H9V9Z" fill="var(--color-accent)" stroke="var(--color-panel)" />
            </svg>
          </button>
        );
      })}
      <Others
        others={others.filter(({ look: { spot } }) => spot?.layer === head.layer && spot.head === head.head)}
        boxOf={({ query, key }) => (query !== null && key !== null && inside({ query, key }) ? boxOf(query, key) : null)}
      />
    </>
  );
}

/** Frames, in each person's color and with their initials, around what they point at. */
function Others({ others, boxOf }: { others: readonly Looking[]; boxOf: (spot: Spot) => Box | null }) {
  return others.map(({ tab, actor, look: { spot } }) => {
    const box = spot && spot.layer !== null && spot.head !== null ? boxOf(spot) : null;
    if (!box) return null;
    const color = colorOf(actor.id);
    return (
      <span
        key={tab}
        data-looks={actor.name}
        className="absolute rounded-xs border-2"
        style={{ left: box.x - 2, top: box.y - 2, width: box.width + 4, height: box.height + 4, borderColor: color }}
      >
        <span
          className="absolute -top-2.5 left-0 rounded-xs px-0.5 text-[0.5625rem] leading-3 font-semibold text-panel"
          style={{ background: color }}
          title={actor.name}
        >
          {initials(actor.name)}
          <span className="sr-only"> ({actor.name}) points here</span>
        </span>
      </span>
    );
  });
}
