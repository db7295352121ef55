'use client';

import { useEffect, useRef, useState } from 'react';
import { clipType, recordClip } from '~/app/_charts/attention/clip';
import { deriveMaps, incomparable, sameSize } from '~/app/_charts/attention/derive';
import { joined, npy } from '~/app/_charts/attention/exportMap';
import { colorScale } from '~/app/_charts/attention/scale';
import { Button } from '~/app/_components/Button';
import { attentionView } from '~/app/_live/attentionView';
import { useCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSnapshots } from '~/app/_live/snapshots';
import { save } from './save';
import type { Scene } from './useScene';

const framesPerSecond = 12;

/** Exports the recorded steps in view as a video of the grid or as one array. */
export function ClipMaker({ scene }: { scene: Scene }) {
  const { runId } = useRunStore();
  const { feed } = useSnapshots();
  const zoom = useCursor((c) => c.zoom);
  const [progress, setProgress] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const work = useRef<AbortController | null>(null);
  useEffect(() => () => work.current?.abort(), []);
  const list = feed.recorded.filter((r) => zoom === null || (r.step >= zoom[0] && r.step <= zoom[1]));
  const name = `${runId}-steps${list[0]?.step ?? 0}-${list.at(-1)?.step ?? 0}`;

  /** Weights of the chosen example or average at every listed step. Throws at a step with another probe, which must not be mixed in. */
  const frames = async (signal: AbortSignal, exact: boolean) => {
    const out = [];
    for (const [n, r] of list.entries()) {
      const example = scene.source.kind === 'example' ? scene.source.example : null;
      const snapshot = await feed.load(r, { example, exact });
      if (signal.aborted) throw new Error('called off');
      setProgress((0.5 * n) / list.length);
      const unlike = incomparable(snapshot, scene.snapshot, scene.source);
      if (unlike) throw new Error(unlike);
      out.push({ step: r.step, maps: deriveMaps(snapshot, scene.source, null) });
    }
    return out;
  };
  const run = async (make: (signal: AbortSignal) => Promise<void>) => {
    work.current?.abort();
    const controller = new AbortController();
    work.current = controller;
    setProblem(null);
    setProgress(0);
    try {
      await make(controller.signal);
    } catch (e) {
      if (!controller.signal.aborted) setProblem(e instanceof Error ? e.message : String(e));
    }
    if (work.current === controller) setProgress(null);
  };

  const video = () =>
    run(async (signal) => {
      const style = getComputedStyle(document.documentElement);
      const color = (token: string) => style.getPropertyValue(`--color-${token}`).trim();
      const all = await frames(signal, false);
      const { palette, flip } = attentionView.get();
      const { layers, quantity } = all[0]!.maps;
      const keys = Math.max(...layers.map((l) => l.keys));
      const theme = document.documentElement.classList.contains('dark') ? 'dark' : 'light';
      const kind = scene.scaleKind === 'lift' && quantity === 'weight' ? 'lift' : 'unit';
      const scale = colorScale({ kind, quantity, keys, peak: 1, sequential: palette, theme });
      const colors = { ink: color('ink'), panel: color('panel'), dim: color('dim') };
      const title = `run ${runId}, ${scene.sourceWords}`;
      const onProgress = (done: number) => setProgress(0.5 + 0.5 * done);
      const blob = await recordClip({ frames: all, scale, title, framesPerSecond, colors, flip, onProgress, signal });
      save(`${name}.${blob.type.startsWith('video/mp4') ? 'mp4' : 'webm'}`, blob);
    });
  const array = () =>
    run(async (signal) => {
      const all = await frames(signal, true);
      const { layers } = all[0]!.maps;
      const { heads, queries, keys } = layers[0]!;
      if (layers.some((l) => l.heads !== heads || !sameSize(l, layers[0]!)))
        throw new Error(
          'layers of different sizes do not fit into one array; the export menu has a file for each layer of one step',
        );
      const size = layers.length * heads * queries * keys;
      const values = new Float32Array(all.length * size);
      all.forEach(({ maps }, n) => {
        values.set(joined(maps.values), n * size);
      });
      save(`${name}.npy`, new Blob([npy(values, [all.length, layers.length, heads, queries, keys])]));
    });

  const busy = progress !== null;
  return (
    <li className="flex flex-col gap-1 border-t border-line pt-1.5">
      <p className="text-xs text-dim">
        {list.length} recorded steps {zoom === null ? 'of the whole run' : 'in the range shown'}
        {busy && `: ${Math.round(100 * progress)} %`}
      </p>
      <div className="flex flex-wrap gap-1">
        <Button size="small" disabled={busy || list.length === 0 || clipType() === null} onClick={() => void video()}>
          video of all heads
        </Button>
        <Button size="small" disabled={busy || list.length === 0} onClick={() => void array()}>
          NPY of all steps
        </Button>
        {busy && (
          <Button size="small" onClick={() => work.current?.abort()}>
            cancel
          </Button>
        )}
      </div>
      {problem && (
        <p role="alert" className="text-xs text-bad">
          {problem}
        </p>
      )}
    </li>
  );
}
