export interface MainChart {
  title: string;
  series: readonly { name: string; label: string; color: number; smoothed?: boolean; dashed?: boolean; thin?: boolean }[];
  points?: 'loss' | 'accuracy';
  percent?: boolean;
  clip?: boolean;
}

/** What everybody looks at first; every other series is in the groups below. */
export const mainCharts: readonly MainChart[] = [
  { title: 'Loss', series: [{ name: 'loss', label: 'train', color: 0, smoothed: true }], points: 'loss' },
  {
    title: 'Accuracy',
    series: [{ name: 'accuracy', label: 'train', color: 0, smoothed: true }],
    points: 'accuracy',
    percent: true,
  },
  { title: 'Gradient norm', series: [{ name: 'gradNorm', label: 'norm', color: 3, smoothed: true }], clip: true },
  {
    title: 'Learning rate',
    series: [
      { name: 'baseLearningRate', label: 'base', color: 7, dashed: true, thin: true },
      { name: 'learningRate', label: 'effective', color: 2, thin: true },
    ],
  },
];
export const mainSeries: ReadonlySet<string> = new Set(mainCharts.flatMap((c) => c.series.map((s) => s.name)));
