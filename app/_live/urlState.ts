import { type AttentionView, decodeAttentionView, defaultAttentionView, encodeAttentionView } from './attentionView';
import { type ChartChoices, chartParams, fromChartParams } from './chartSettings';
import { fromWorkspaceParams, type Workspace, workspaceParams } from './workspace';

/** The state that a link to a run's page carries besides the run: whoever opens the link sees the same view. */
export interface UrlState {
  /** null = following the newest. */
  step: number | null;
  zoom: [number, number] | null;
  charts: ChartChoices;
  attention: AttentionView;
  workspace: Workspace;
}

/** The query string, without "?"; values equal to their defaults are left out. */
export function toQuery({ step, zoom, charts, attention, workspace }: UrlState): string {
  const params = new URLSearchParams();
  if (step !== null) params.set('step', String(step));
  if (zoom) params.set('zoom', `${zoom[0]}-${zoom[1]}`);
  for (const [key, value] of Object.entries({ ...chartParams(charts), ...workspaceParams(workspace) })) params.set(key, value);
  const view = encodeAttentionView(attention);
  if (view) params.set('attention', view);
  return params.toString();
}

/** The inverse of toQuery; an invalid part gets its default. */
export function fromQuery(query: string): UrlState {
  const params = new URLSearchParams(query);
  return {
    step: whole(params.get('step')),
    zoom: rangeOf(params.get('zoom')),
    charts: fromChartParams(params),
    attention: decodeAttentionView(params.get('attention') ?? '') ?? defaultAttentionView,
    workspace: fromWorkspaceParams(params),
  };
}

function whole(text: string | null): number | null {
  const n = text === null || !/^-?\d+$/.test(text) ? Number.NaN : Number(text);
  return Number.isSafeInteger(n) ? n : null;
}

/** "100-200", also of steps below 0: "-20--5"; null when it is no range. */
export function rangeOf(text: string | null): [number, number] | null {
  const match = /^(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)$/.exec(text ?? '');
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? [from, to] : null;
}
