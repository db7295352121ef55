/** In the browser, for chartsInBrowser.test.ts: a series of every step beside one of every 50 steps, which begins at step -1; both charts under a real cursor. */
import { createRoot } from 'react-dom/client';
import { Curve } from '~/app/_charts/curve';
import { LineChart } from '~/app/_charts/LineChart';
import { xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';

const train = new Curve('train', 1200, null);
const validation = new Curve('validation', 1200, null);
for (let s = 0; s < 1000; s++) train.append(s, 0.25);
for (let s = -1; s < 1000; s += 50) validation.append(s, 0.75);

const cursor = createCursor();
cursor.head(1000, true);
cursor.rows(-1, 1);
const line = (curve: Curve, color: number) => ({ name: curve.name, label: curve.name, color, curve: () => curve });
const lines = [line(train, 0), line(validation, 1)];
const map = xMap('step', 0, []);
const settings = { smoothing: 0, log: false, robust: false };
const never = () => () => {};

createRoot(document.querySelector('main')!).render(
  <LineChart title="Loss" lines={lines} map={map} settings={settings} cursor={cursor} subscribe={never} height={240} />,
);
Object.assign(window, { cursor });
