import type { Mark } from './types';

export interface MarkCluster {
  /** Pixel of `head`, where the glyph is drawn. */
  x: number;
  marks: Mark[];
  /** The most important mark: its glyph stands for the cluster. */
  head: Mark;
}

/** Which of several marks at one position is shown: the one with the largest weight. */
const weight: Record<Mark['kind'], number> = {
  alert: 7,
  command: 6,
  note: 5,
  status: 4,
  refused: 3,
  checkpoint: 2,
  evaluation: 1,
  snapshot: 0,
};

/** Marks nearer than `gap` pixels to the first of a cluster share one glyph. `x` outside [0, width] is left out. */
export function clusterMarks(marks: readonly Mark[], x: (step: number) => number, width: number, gap: number): MarkCluster[] {
  const placed = marks
    .map((mark) => ({ mark, px: x(mark.step) }))
    .filter(({ px }) => px >= -0.5 && px <= width + 0.5)
    .sort((a, b) => a.px - b.px);
  const out: MarkCluster[] = [];
  let first = Number.NEGATIVE_INFINITY;
  for (const { mark, px } of placed) {
    const last = out.at(-1);
    if (last && px - first < gap) {
      last.marks.push(mark);
      if (weight[mark.kind] > weight[last.head.kind]) {
        last.head = mark;
        last.x = px;
      }
    } else {
      out.push({ x: px, marks: [mark], head: mark });
      first = px;
    }
  }
  return out;
}
