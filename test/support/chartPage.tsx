/** In the browser, for chartsInBrowser.test.ts: one chart of a million synthetic steps under a real cursor. */
import { createRoot } from 'react-dom/client';
import { Curve } from '~/app/_charts/curve';
import { LineChart } from '~/app/_charts/LineChart';
import { xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';

const steps = 1_000_000;
const spikes = new Set(Array.from({ length: 200 }, (_, i) => 2_000 + i * 4_979));
const value = (s: number) => (spikes.has(s) ? 1 : 0.2);

function curveOf(from: number, to: number, growing: boolean): Curve {
  const curve = new Curve('loss', 1200, growing ? null : to);
  for (let s = from; s < to; s++) curve.append(s, value(s));
  return curve;
}

const whole = curveOf(0, steps, true);
const cursor = createCursor();
cursor.head(steps, true);
let zoomed: { key: string; curve: Curve } | null = null;
const line = {
  name: 'loss',
  label: 'train',
  color: 0,
  whole: () => whole,
  curve: () => {
    const { zoom } = cursor.get();
    if (!zoom) return whole;
    const key = zoom.join('-');
    if (zoomed?.key !== key) zoomed = { key, curve: curveOf(zoom[0], zoom[1], false) };
    return zoomed.curve;
  },
  exact: (s: number) => ({ step: Math.min(s, steps - 1), value: value(Math.min(s, steps - 1)) }),
};
const lines = [line];
const map = xMap('step', 1000, []);
const settings = { smoothing: 0, log: false, robust: false };
const never = () => () => {};

createRoot(document.querySelector('main')!).render(
  <LineChart title="Loss" lines={lines} map={map} settings={settings} cursor={cursor} subscribe={never} height={240} />,
);
Object.assign(window, { cursor, spikes: [...spikes] });
