import { ArrowDown, ArrowUp, X } from 'lucide-react';
import { type FormEvent, useEffect, useId, useState } from 'react';
import type { MenuChoice } from '~/app/_components/AnchorMenu';
import { Button } from '~/app/_components/Button';
import { FormEnd, TextField } from '~/app/_components/Field';
import { IconButton } from '~/app/_components/IconButton';
import { LongName } from '~/app/_components/LongName';
import { Modal } from '~/app/_components/Modal';
import { numberTyped } from '~/app/_components/numberTyped';
import { type ChartPlan, moved, type OwnChart, withChart, withoutChart } from '~/app/_live/chartPlan';
import { useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';

/** The chart whose form is open. The chart's menu sets it and then unmounts. */
export const chartEditor = createStore<{ chart: OwnChart | null }>({ chart: null });

/** What the form of a page's charts reads and changes. */
interface Planned {
  plan: ChartPlan;
  onPlan(plan: ChartPlan): void;
}

/** The form for the charts of a page, while one of them is edited. @param known names of the series that a chart can show */
export function ChartEditor({ plan, known, onPlan }: Planned & { known: readonly string[] }) {
  const { chart } = useSelected(chartEditor, (e) => e);
  // The charts of another page are others.
  useEffect(() => () => chartEditor.set({ chart: null }), []);
  const close = () => chartEditor.set({ chart: null });
  if (!chart) return null;
  const { id, title, series, range } = chart;
  return (
    <EditChart
      key={id}
      chart={{ id, title, series, range }}
      known={known}
      onSave={(next) => {
        onPlan(withChart(plan, next));
        close();
      }}
      onClose={close}
    />
  );
}

/** The items of a chart's menu that change the page's plan. @param ids of the charts shown, in their order */
export function chartItems(chart: OwnChart, ids: readonly string[], { plan, onPlan }: Planned): MenuChoice[] {
  const at = ids.indexOf(chart.id);
  const made = chart.id.startsWith('own ');
  const items: (MenuChoice | false)[] = [
    { text: 'Change series and range …', onChoose: () => chartEditor.set({ chart }) },
    at > 0 && { text: 'Move earlier', onChoose: () => onPlan(moved(plan, ids, chart.id, -1)) },
    at < ids.length - 1 && { text: 'Move later', onChoose: () => onPlan(moved(plan, ids, chart.id, 1)) },
    !made &&
      plan.own.some((c) => c.id === chart.id) && {
        text: 'As it was',
        onChoose: () => onPlan(withoutChart(plan, chart.id, true)),
      },
    { text: 'Take away', onChoose: () => onPlan(withoutChart(plan, chart.id, made)) },
  ];
  return items.filter((item) => item !== false);
}

/** Edits a chart: its series and their order, its title, and the range of its y axis. */
function EditChart(props: { chart: OwnChart; known: readonly string[]; onSave(chart: OwnChart): void; onClose(): void }) {
  const { chart, known, onSave, onClose } = props;
  const list = useId();
  const [title, setTitle] = useState(chart.title);
  const [series, setSeries] = useState(chart.series);
  const [added, setAdded] = useState('');
  const [range, setRange] = useState(chart.range.map((end) => (end === null ? '' : String(end))) as [string, string]);
  const [problems, setProblems] = useState<{ add?: string; series?: string; range?: string }>({});
  const add = () => {
    const name = added.trim();
    if (!known.includes(name)) return setProblems({ add: `there is no series "${name}"` });
    if (!series.includes(name)) setSeries([...series, name]);
    setAdded('');
    setProblems({});
  };
  const swap = (i: number, by: number) => setSeries(series.with(i, series[i + by]!).with(i + by, series[i]!));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (added.trim() !== '') return add();
    const ends = range.map(numberTyped) as [number | null, number | null];
    if (ends.some((end, i) => end === null && range[i]!.trim() !== ''))
      return setProblems({ range: 'give a number, or leave it empty' });
    if (ends[0] !== null && ends[1] !== null && ends[0] >= ends[1])
      return setProblems({ range: 'the lowest must be below the highest' });
    if (series.length === 0) return setProblems({ series: 'add a series' });
    onSave({ ...chart, title: title.trim() || series[0]!, series, range: ends });
  };
  return (
    <Modal open onClose={onClose} title={chart.title === '' ? 'New chart' : `Change ${chart.title}`}>
      <form onSubmit={submit} noValidate className="flex min-h-0 flex-col gap-3 overflow-y-auto p-4">
        <TextField label="Title" className="font-sans" value={title} onChange={setTitle} />
        <fieldset>
          <legend className="text-xs text-dim">Series</legend>
          <ol>
            {series.map((name, i) => (
              <li key={name} className="flex items-center gap-1 py-0.5">
                <LongName className="flex-1 font-mono text-xs">{name}</LongName>
                <IconButton icon={ArrowUp} label={`Move ${name} up`} disabled={i === 0} onClick={() => swap(i, -1)} />
                <IconButton
                  icon={ArrowDown}
                  label={`Move ${name} down`}
                  disabled={i === series.length - 1}
                  onClick={() => swap(i, 1)}
                />
                <IconButton icon={X} label={`Remove ${name}`} onClick={() => setSeries(series.filter((s) => s !== name))} />
              </li>
            ))}
          </ol>
          {problems.series && <p className="text-2xs text-bad">{problems.series}</p>}
        </fieldset>
        <div className="flex items-end gap-2">
          <div className="min-w-0 flex-1">
            <TextField
              label="Add a series"
              error={problems.add}
              data-first
              list={list}
              autoComplete="off"
              value={added}
              onChange={setAdded}
            />
            <datalist id={list}>
              {known.slice(0, 500).map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </div>
          <Button onClick={add} disabled={added.trim() === ''}>
            Add
          </Button>
        </div>
        <div className="grid grid-cols-2 gap-2">
          {(['Lowest value of y', 'Highest value of y'] as const).map((label, i) => (
            <TextField
              key={label}
              label={label}
              help="empty: as the numbers need"
              error={i === 1 ? problems.range : null}
              value={range[i]!}
              onChange={(text) => setRange(range.with(i, text) as [string, string])}
            />
          ))}
        </div>
        <FormEnd yes="Save" onCancel={onClose} />
      </form>
    </Modal>
  );
}
