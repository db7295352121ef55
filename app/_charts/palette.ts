import { useSyncExternalStore } from 'react';

/** The page's colors for canvas code, read from the CSS variables of globals.css. */
export interface Palette {
  panel: string;
  raised: string;
  ink: string;
  dim: string;
  accent: string;
  good: string;
  warn: string;
  bad: string;
  /** Eight colors that color-blind people can distinguish. */
  series: readonly string[];
  dark: boolean;
}

const names = ['panel', 'raised', 'ink', 'dim', 'accent', 'good', 'warn', 'bad'] as const;
const fallback: Palette = {
  panel: '#fbfbfa',
  raised: '#e9ebe7',
  ink: '#171a1c',
  dim: '#565e63',
  accent: '#0a6a78',
  good: '#17744a',
  warn: '#855400',
  bad: '#b92b1b',
  series: ['#0b6fb3', '#b96a00', '#00805c', '#a6437f', '#c04a12', '#5b5fc7', '#7c6f00', '#5d666d'],
  dark: false,
};

let current: Palette | null = null;
const listeners = new Set<() => void>();
let observer: MutationObserver | null = null;

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string, otherwise: string) => style.getPropertyValue(`--color-${name}`).trim() || otherwise;
  const plain = Object.fromEntries(names.map((n) => [n, of(n, fallback[n])])) as Omit<Palette, 'series' | 'dark'>;
  return {
    ...plain,
    series: fallback.series.map((c, i) => of(`series-${i + 1}`, c)),
    dark: document.documentElement.classList.contains('dark'),
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!observer) {
    observer = new MutationObserver(() => {
      current = null;
      for (const l of listeners) l();
    });
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] });
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    observer?.disconnect();
    observer = null;
    current = null;
  };
}

const snapshot = (): Palette => {
  current ??= read();
  return current;
};

export const usePalette = (): Palette => useSyncExternalStore(subscribe, snapshot, () => fallback);
