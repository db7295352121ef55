import { Download } from 'lucide-react';
import { allAlike, deriveMaps, mapOfHeads } from '~/app/_charts/attention/derive';
import { joined, mapCsv, mapSvg, signalsCsv } from '~/app/_charts/attention/exportMap';
import { pageColors } from '~/app/_charts/attention/palettes';
import { chartPng, saveFile } from '~/app/_charts/exportChart';
import { Button } from '~/app/_components/Button';
import { Popup } from '~/app/_components/Popup';
import { Remark } from '~/app/_components/Remark';
import { useAttempt } from '~/app/_components/useAttempt';
import { atBase } from '~/app/_live/base';
import { useRunStore } from '~/app/_live/RunProvider';
import { useReadOnly } from '~/app/_live/readOnly';
import { npy } from '~/shared/npy';
import { ClipMaker } from './ClipMaker';
import { focusStore } from './focusStore';
import { useWorkspace } from './workspaceContext';

/** Exports what is on screen: a picture with the selection, or exact numbers. */
export function ExportMenu() {
  const { runId } = useRunStore();
  const { snapshots, scene, large, view } = useWorkspace();
  const { feed, table } = snapshots;
  const { snapshot, maps, recorded } = scene;
  const { problem, attempt } = useAttempt();
  const readOnly = useReadOnly();
  const tokens = scene.tokensOf(large.layer);
  const alike = allAlike(maps.layers);
  const file = `${runId}-step${recorded.step}`;
  const name = `${file}-${large.where.replaceAll(' ', '-').replace(/[^a-z0-9-]/gi, '')}`;

  // From exact weights; fetched where the page has only rounded ones.
  const exactMaps = async () => {
    const weights = feed.load(recorded, { example: scene.example, exact: true });
    return deriveMaps(await weights, scene.source, await scene.exactReference());
  };
  const values = async () => mapOfHeads(await exactMaps(), large.head, scene.shown, view.operation).values;
  const svg = async () => {
    const { hovered, pinned } = focusStore.get();
    const { query = null, key = null } = hovered ?? pinned ?? {};
    return mapSvg({
      values: await values(),
      size: large.size,
      scale: large.scale,
      tokens,
      where: large.where,
      note: `run ${runId}, step ${recorded.step}, ${scene.sourceWords}${scene.minusWords}`,
      lit: { query, key },
      flip: view.flip,
      colors: pageColors(),
    });
  };
  const png = (times: number) => async () => saveFile(`${name}@${times}x.png`, await chartPng(await svg(), times), 'image/png');
  const numbers = 'application/octet-stream';
  const items: [label: string, help: string, save: () => void | Promise<void>][] = [
    ['SVG', 'this map with axes and what is lit', async () => saveFile(`${name}.svg`, await svg(), 'image/svg+xml')],
    ['PNG 1×', 'the same as pixels', png(1)],
    ['PNG 2×', 'for slides', png(2)],
    ['PNG 4×', 'for print', png(4)],
    [
      'CSV',
      'this map, one line per cell',
      async () => saveFile(`${name}.csv`, mapCsv(await values(), large.size, tokens), 'text/csv'),
    ],
    [
      'NPY',
      'this map, exact f32',
      async () => saveFile(`${name}.npy`, new Blob([npy(await values(), [large.size.queries, large.size.keys])]), numbers),
    ],
    [
      'NPY all heads',
      alike ? 'what the grid shows, [layers, heads, queries, keys]' : 'what the grid shows, a file for each layer',
      async () => {
        const { layers, values: all } = await exactMaps();
        const shapes = layers.map((l) => [l.heads, l.queries, l.keys]);
        const save = (part: string, data: Float32Array, shape: number[]) =>
          saveFile(`${file}-${part}.npy`, new Blob([npy(data, shape)]), numbers);
        if (alike) save('all', joined(all), [layers.length, ...shapes[0]!]);
        else for (const [l, shape] of shapes.entries()) save(`layer${l + 1}`, all[l]!, shape);
      },
    ],
    [
      'CSV signals',
      'every signal of every head at every recorded step',
      () => {
        const { layers } = snapshot;
        const all = table.names(feed.recorded).map((s) => ({ name: s, ...table.series(s, feed.recorded, layers) }));
        saveFile(`${runId}-signals.csv`, signalsCsv(all[0]?.steps ?? [], layers, all), 'text/csv');
      },
    ],
  ];
  return (
    <Popup
      title="Export"
      className="h-6 border border-line bg-raised px-1.5 text-xs"
      trigger={
        <>
          <Download aria-hidden size={12} /> export
        </>
      }
    >
      <ul className="flex flex-col gap-1">
        {items.map(([label, help, save]) => (
          <li key={label} className="flex items-baseline gap-2">
            <Button size="small" className="w-24 justify-start!" onClick={() => void attempt(save)}>
              {label}
            </Button>
            <span className="text-xs text-dim">{help}</span>
          </li>
        ))}
        {problem && (
          <li>
            <Remark tone="bad">{problem}</Remark>
          </li>
        )}
        <ClipMaker />
        {!readOnly && (
          <li className="text-xs text-dim">
            <a
              className="underline"
              href={atBase(`/api/runs/${runId}/export?format=safetensors&step=${recorded.step}`)}
              download={`${file}.safetensors`}
            >
              safetensors
            </a>{' '}
            the whole snapshot: all examples, exact maps, labels, answers, signals
          </li>
        )}
      </ul>
    </Popup>
  );
}
