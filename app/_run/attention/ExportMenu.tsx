'use client';

import { Download } from 'lucide-react';
import { useState } from 'react';
import { sameSize } from '~/app/_charts/attention/derive';
import { joined, mapCsv, mapSvg, npy, signalsCsv } from '~/app/_charts/attention/exportMap';
import { Button } from '~/app/_components/Button';
import { Popup } from '~/app/_components/Popup';
import { attentionView } from '~/app/_live/attentionView';
import { atBase } from '~/app/_live/base';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSnapshots } from '~/app/_live/snapshots';
import { ClipMaker } from './ClipMaker';
import { exactLarge, exactMaps } from './exactMaps';
import { useFocus } from './focusStore';
import type { Large } from './large';
import { save } from './save';
import type { Scene } from './useScene';

/** Exports what is on screen: a picture with the selection, or exact numbers. */
export function ExportMenu({ scene, large }: { scene: Scene; large: Large }) {
  const { runId } = useRunStore();
  const { feed, table } = useSnapshots();
  const { snapshot, maps, recorded } = scene;
  const focus = useFocus();
  const tokens = scene.tokensOf(large.layer);
  const alike = maps.layers.every((l) => l.heads === maps.layers[0]!.heads && sameSize(l, maps.layers[0]!));
  const slug = large.where.replaceAll(' ', '-').replace(/[^a-z0-9-]/gi, '');
  const name = `${runId}-step${recorded.step}-${slug}`;

  const values = () => exactLarge(feed, scene, large, attentionView.get().operation);
  const svg = async () => {
    const style = getComputedStyle(document.documentElement);
    const color = (token: string) => style.getPropertyValue(`--color-${token}`).trim();
    const spot = focus.hovered ?? focus.pinned;
    return mapSvg({
      values: await values(),
      size: large.size,
      scale: large.scale,
      tokens,
      where: large.where,
      note: `run ${runId}, step ${recorded.step}, ${scene.sourceWords}${scene.referenceWords ? `, minus ${scene.referenceWords}` : ''}`,
      lit: { query: spot?.query ?? null, key: spot?.key ?? null },
      flip: attentionView.get().flip,
      colors: { ink: color('ink'), panel: color('panel'), dim: color('dim') },
    });
  };
  const png = async (times: number) => {
    const text = await svg();
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
    const { layers } = snapshot;
    const all = table.names(feed.recorded).map((signal) => ({ name: signal, ...table.series(signal, feed.recorded, layers) }));
    return signalsCsv(all[0]?.steps ?? [], layers, all);
  };

  const [problem, setProblem] = useState<string | null>(null);
  const attempt = async (act: () => void | Promise<void>) => {
    setProblem(null);
    try {
      await act();
    } catch (e) {
      setProblem(e instanceof Error ? e.message : String(e));
    }
  };
  const items: [string, string, () => void | Promise<void>][] = [
    [
      'SVG',
      'this map with axes and what is lit',
      async () => save(`${name}.svg`, new Blob([await svg()], { type: 'image/svg+xml' })),
    ],
    ['PNG 1×', 'the same as pixels', () => png(1)],
    ['PNG 2×', 'for slides', () => png(2)],
    ['PNG 4×', 'for print', () => png(4)],
    [
      'CSV',
      'this map, one line per cell',
      async () => save(`${name}.csv`, new Blob([mapCsv(await values(), large.size, tokens)], { type: 'text/csv' })),
    ],
    [
      'NPY',
      'this map, exact f32',
      async () => save(`${name}.npy`, new Blob([npy(await values(), [large.size.queries, large.size.keys])])),
    ],
    [
      'NPY all heads',
      alike ? 'what the grid shows, [layers, heads, queries, keys]' : 'what the grid shows, a file for each layer',
      async () => {
        const { layers, values: all } = await exactMaps(feed, scene);
        const { heads, queries, keys } = layers[0]!;
        const file = `${runId}-step${recorded.step}`;
        if (alike) save(`${file}-all.npy`, new Blob([npy(joined(all), [layers.length, heads, queries, keys])]));
        else
          for (const [l, own] of layers.entries())
            save(`${file}-layer${l + 1}.npy`, new Blob([npy(all[l]!, [own.heads, own.queries, own.keys])]));
      },
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
            <Button size="small" className="w-24 justify-start!" onClick={() => void attempt(act)}>
              {label}
            </Button>
            <span className="text-xs text-dim">{help}</span>
          </li>
        ))}
        {problem && (
          <li role="alert" className="text-xs text-bad">
            {problem}
          </li>
        )}
        <ClipMaker scene={scene} />
        <li className="text-xs text-dim">
          <a
            className="underline"
            href={atBase(`/api/runs/${runId}/export?format=safetensors&step=${recorded.step}`)}
            download={`${runId}-step${recorded.step}.safetensors`}
          >
            safetensors
          </a>{' '}
          the whole snapshot: all examples, exact maps, labels, answers, signals
        </li>
      </ul>
    </Popup>
  );
}
