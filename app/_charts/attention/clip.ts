/** A video of a range of steps: one frame per snapshot, drawn from the exact maps and recorded by the browser. */
import { formatStep } from '~/app/_charts/format';
import { type HeadMaps, mapSize } from './derive';
import { gridLayout } from './layout';
import { paintHeads } from './paintHeads';
import { css, levels } from './palettes';
import { type ColorScale, ticks } from './scale';
import { headRows, shownLines } from './selection';

export interface ClipFrame {
  step: number;
  maps: HeadMaps;
}

export interface ClipRequest {
  /** All of equal shape, ascending by step. */
  frames: readonly ClipFrame[];
  scale: ColorScale;
  title: string;
  framesPerSecond: number;
  colors: { ink: string; panel: string; dim: string };
  flip: boolean;
  /** Share done, 0 to 1. */
  onProgress: (done: number) => void;
  signal: AbortSignal;
}

const width = 720;
const top = 46;
const bottom = 40;

/** The first video format that this browser records; null when it records none. */
export function clipType(): string | null {
  if (typeof MediaRecorder === 'undefined') return null;
  return ['video/mp4', 'video/webm;codecs=vp9', 'video/webm'].find((t) => MediaRecorder.isTypeSupported(t)) ?? null;
}

/** @throws Error when the browser cannot record video, or the recording was canceled */
export async function recordClip(request: ClipRequest): Promise<Blob> {
  const { frames, framesPerSecond, onProgress, signal } = request;
  const type = clipType();
  if (!type) throw new Error('this browser records no video; NPY and PNG hold the same maps');
  const canvas = document.createElement('canvas');
  drawFrame(canvas, request, frames[0]!);
  // 0: a frame is recorded only on request, so that none is lost or doubled however long drawing takes.
  const stream = canvas.captureStream(0);
  const track = stream.getVideoTracks()[0] as CanvasCaptureMediaStreamTrack;
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 6_000_000 });
  const parts: Blob[] = [];
  recorder.ondataavailable = (e) => parts.push(e.data);
  const stopped = new Promise<void>((resolve) => {
    recorder.onstop = () => resolve();
  });
  recorder.start();
  try {
    for (const [n, frame] of frames.entries()) {
      if (signal.aborted) throw new Error('the recording was canceled');
      drawFrame(canvas, request, frame);
      track.requestFrame();
      onProgress((n + 1) / frames.length);
      // The recorder takes a frame's time from the clock.
      await new Promise((resolve) => setTimeout(resolve, 1000 / framesPerSecond));
    }
  } finally {
    recorder.stop();
    track.stop();
  }
  await stopped;
  return new Blob(parts, { type });
}

/** One frame: every head's map, the step, the color bar. */
export function drawFrame(
  canvas: HTMLCanvasElement,
  { frames, scale, title, colors, flip }: Omit<ClipRequest, 'onProgress' | 'signal'>,
  { step, maps }: ClipFrame,
): void {
  const inner = width - 20;
  const rows = headRows(shownLines(maps.layers, new Set()), inner);
  const sizes = rows.map(({ layer }) => mapSize(maps, layer));
  const grid = gridLayout({ rows: sizes, columns: rows[0]!.heads.length, width: inner, maxHeight: 720, flip });
  const map = { width: grid.width * grid.zoom, height: grid.height * grid.zoom };
  // Video encoders need even sizes; the size of the first frame is kept for all.
  if (canvas.width === 300) {
    canvas.width = Math.max(360, Math.ceil((map.width + 20) / 2) * 2);
    canvas.height = Math.ceil((map.height + top + bottom) / 2) * 2;
  }
  const cells = new ImageData(grid.width, grid.height);
  paintHeads(new Uint32Array(cells.data.buffer), grid, maps, rows, () => scale);
  const small = document.createElement('canvas');
  small.width = grid.width;
  small.height = grid.height;
  small.getContext('2d')!.putImageData(cells, 0, 0);
  const c = canvas.getContext('2d')!;
  c.fillStyle = colors.panel;
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.imageSmoothingEnabled = false;
  c.drawImage(small, 10, top, map.width, map.height);
  c.fillStyle = colors.ink;
  c.font = '600 16px system-ui, sans-serif';
  c.fillText(`step ${formatStep(step)}`, 10, 22);
  c.font = '11px system-ui, sans-serif';
  c.fillStyle = colors.dim;
  c.fillText(title, 10, 38);
  const last = frames.at(-1)!.step - frames[0]!.step;
  c.fillRect(120, 14, canvas.width - 130, 1);
  c.fillRect(120 + (last > 0 ? (step - frames[0]!.step) / last : 1) * (canvas.width - 130) - 1, 9, 3, 11);
  const y = top + map.height + 10;
  for (let x = 0; x < 240; x++) {
    c.fillStyle = css(scale.palette[Math.round((x / 239) * (levels - 1))]!);
    c.fillRect(10 + x, y, 1, 8);
  }
  c.fillStyle = colors.dim;
  for (const { at, label } of ticks(scale)) {
    c.textAlign = at === 0 ? 'left' : at === 1 ? 'right' : 'center';
    c.fillText(label, 10 + at * 240, y + 20);
  }
  c.textAlign = 'left';
}
