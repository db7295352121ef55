import { useEffect, useRef, useState } from 'react';
import { clipType, recordClip } from '~/app/_charts/attention/clip';
import { allAlike, deriveMaps, incomparable } from '~/app/_charts/attention/derive';
import { joined } from '~/app/_charts/attention/exportMap';
import { pageColors } from '~/app/_charts/attention/palettes';
import { colorScale } from '~/app/_charts/attention/scale';
import { saveFile } from '~/app/_charts/exportChart';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { Remark } from '~/app/_components/Remark';
import { useAttempt } from '~/app/_components/useAttempt';
import { useCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { npy } from '~/shared/npy';
import { useWorkspace } from './workspaceContext';

const framesPerSecond = 12;

/** Exports the recorded steps in view as a video of the grid or as one array. */
export function ClipMaker() {
  const { runId } = useRunStore();
  const { snapshots, scene, view, theme } = useWorkspace();
  const { source, example } = scene;
  const zoom = useCursor((c) => c.zoom);
  const [progress, setProgress] = useState<number | null>(null);
  const { problem, attempt } = useAttempt();
  const work = useRef<AbortController | null>(null);
  useEffect(() => () => work.current?.abort(), []);
  const list = snapshots.feed.recorded.filter((r) => zoom === null || (r.step >= zoom[0] && r.step <= zoom[1]));
  const name = `${runId}-steps${list[0]?.step ?? 0}-${list.at(-1)?.step ?? 0}`;

  /** Weights of the chosen example or average at every listed step. Throws at a step with another probe, which must not be mixed in. */
  const frames = async (signal: AbortSignal, exact: boolean) => {
    const out = [];
    for (const [n, r] of list.entries()) {
      const snapshot = await snapshots.feed.load(r, { example, exact });
      if (signal.aborted) throw new Error('canceled');
      setProgress((0.5 * n) / list.length);
      const unlike = incomparable(snapshot, scene.snapshot, source);
      if (unlike) throw new Error(unlike);
      out.push({ step: r.step, maps: deriveMaps(snapshot, source, null) });
    }
    return out;
  };
  const run = (make: (signal: AbortSignal) => Promise<void>) => async () => {
    work.current?.abort();
    const controller = new AbortController();
    work.current = controller;
    setProgress(0);
    const { signal } = controller;
    await attempt(async () => {
      await make(signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
    });
    if (work.current === controller) setProgress(null);
  };
  const video = run(async (signal) => {
    const all = await frames(signal, false);
    const { layers, quantity } = all[0]!.maps;
    const keys = Math.max(...layers.map((l) => l.keys));
    const kind = scene.scaleKind === 'lift' && quantity === 'weight' ? 'lift' : 'unit';
    const blob = await recordClip({
      frames: all,
      scale: colorScale({ kind, quantity, keys, peak: 1, sequential: view.palette, theme }),
      title: `run ${runId}, ${scene.sourceWords}`,
      framesPerSecond,
      colors: pageColors(),
      flip: view.flip,
      onProgress: (done) => setProgress(0.5 + 0.5 * done),
      signal,
    });
    saveFile(`${name}.${blob.type.startsWith('video/mp4') ? 'mp4' : 'webm'}`, blob, blob.type);
  });
  const array = run(async (signal) => {
    const all = await frames(signal, true);
    const { layers } = all[0]!.maps;
    const { heads, queries, keys } = layers[0]!;
    if (!allAlike(layers))
      throw new Error(
        'layers of different sizes do not fit into one array; the export menu has a file for each layer of one step',
      );
    const parts = all.flatMap((f) => f.maps.values);
    const bytes = npy(joined(parts), [all.length, layers.length, heads, queries, keys]);
    saveFile(`${name}.npy`, new Blob([bytes]), 'application/octet-stream');
  });
  const busy = progress !== null;
  return (
    <li className="flex flex-col gap-1 border-t border-line pt-1.5">
      <p className="text-xs text-dim">
        {count(list.length)} recorded steps {zoom === null ? 'of the whole run' : 'in the range shown'}
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
      {problem && <Remark tone="bad">{problem}</Remark>}
    </li>
  );
}
