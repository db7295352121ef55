'use client';

import { Download } from 'lucide-react';
import { mapCsv, mapSvg, npy, signalsCsv } from '~/app/_charts/attention/exportMap';
import { Button } from '~/app/_components/Button';
import { Popup } from '~/app/_components/Popup';
import { attentionView } from '~/app/_live/attentionView';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSnapshots } from '~/app/_live/snapshots';
import { ClipMaker } from './ClipMaker';
import { useFocus } from './focusStore';
import type { Large } from './large';
import { save } from './save';
import type { Scene } from './useScene';

/** Takes what is on screen away: as a picture with the selection, or as exact numbers. */
export function ExportMenu({ scene, large }: { scene: Scene; large: Large }) {
  const { runId } = useRunStore();
  const { feed, table } = useSnapshots();
  const { snapshot, maps, recorded } = scene;
  const focus = useFocus();
  const slug = large.where.replaceAll(' ', '-').replace(/[^a-z0-9-]/gi, '');
  const name = `${runId}-step${recorded.step}-${slug}`;

  const svg = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (token: string) => style.getPropertyValue(`--color-${token}`).trim();
    const spot = focus.hovered ?? focus.pinned;
    return mapSvg({
      values: large.values,
      queries: maps.queries,
      keys: maps.keys,
      scale: large.scale,
      tokens: scene.tokens,
      where: large.where,
      note: `run ${runId}, step ${recorded.step}, ${scene.sourceWords}${scene.referenceWords ? `, minus ${scene.referenceWords}` : ''}`,
      lit: { query: spot?.query ?? null, key: spot?.key ?? null },
      flip: attentionView.get().flip,
      colours: { ink: colour('ink'), panel: colour('panel'), dim: colour('dim') },
    });
  };
  const png = async (times: number) => {
    const text = svg();
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width * times;
    canvas.height = image.height * times;
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob) save(`${name}@${times}x.png`, blob);
  };
  const signals = () => {
    const width = snapshot.layers * snapshot.heads;
    const all = table.names(feed.recorded).map((signal) => ({ name: signal, ...table.series(signal, feed.recorded, width) }));
    return signalsCsv(all[0]?.steps ?? [], snapshot.heads, all);
  };

  const items: [string, string, () => void | Promise<void>][] = [
    ['SVG', 'this map with axes and what is lit', () => save(`${name}.svg`, new Blob([svg()], { type: 'image/svg+xml' }))],
    ['PNG 1×', 'the same as pixels', () => png(1)],
    ['PNG 2×', 'for slides', () => png(2)],
    ['PNG 4×', 'for print', () => png(4)],
    [
      'CSV',
      'this map, one line per cell',
      () => save(`${name}.csv`, new Blob([mapCsv(large.values, maps.keys, scene.tokens)], { type: 'text/csv' })),
    ],
    ['NPY', 'this map, exact f32', () => save(`${name}.npy`, new Blob([npy(large.values, [maps.queries, maps.keys])]))],
    [
      'NPY all heads',
      'what the grid shows, [layers, heads, queries, keys]',
      () =>
        save(
          `${runId}-step${recorded.step}-all.npy`,
          new Blob([npy(maps.values, [maps.layers, maps.heads, maps.queries, maps.keys])]),
        ),
    ],
    [
      'CSV signals',
      'every signal of every head at every recorded step',
      () => save(`${runId}-signals.csv`, new Blob([signals()], { type: 'text/csv' })),
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
        {items.map(([label, help, act]) => (
          <li key={label} className="flex items-baseline gap-2">
            <Button size="small" className="w-24 justify-start!" onClick={() => void act()}>
              {label}
            </Button>
            <span className="text-xs text-dim">{help}</span>
          </li>
        ))}
        <ClipMaker scene={scene} />
        <li className="text-xs text-dim">
          <a
            className="underline"
            href={`/api/blobs/${recorded.blob.hash}`}
            download={`${runId}-step${recorded.step}.safetensors`}
          >
            safetensors
          </a>{' '}
          the whole snapshot as recorded: all examples, maps, inputs, answers, signals
        </li>
      </ul>
    </Popup>
  );
}
