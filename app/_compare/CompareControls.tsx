import { inputClass, Select } from '~/app/_components/Field';
import { measured } from '~/app/_components/format';
import { smoothStops } from '~/app/_live/chartSettings';
import { type Alignment, alignments, canBeLog } from './align';

export interface CompareChoices {
  x: Alignment;
  /** Text as typed; '' = the lowest loss that all runs have reached. */
  level: string;
  smoothSteps: number;
  log: boolean;
  logX: boolean;
  robust: boolean;
}

const words = { log: 'log y', logX: 'log x', robust: 'ignore outliers' } as const;

/** The loss level that the user typed; null when the field is empty, NaN when the text is not a number. */
export const typedLevel = ({ level }: CompareChoices): number | null => (level.trim() === '' ? null : Number(level));

export function CompareControls({
  choices,
  common,
  onChange,
}: {
  choices: CompareChoices;
  common: number | null;
  onChange(change: Partial<CompareChoices>): void;
}) {
  const { x, level, smoothSteps } = choices;
  const typed = typedLevel(choices);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-dim">
      <span className="inline-flex items-center gap-1">
        aligned by
        <Select
          aria-label="Aligned by"
          className="w-auto! font-sans"
          options={alignments}
          value={x}
          onChange={(e) => onChange({ x: e.target.value as Alignment })}
        />
      </span>
      {x === 'equal loss' && (
        <label
          className="inline-flex items-center gap-1"
          title="Each run is shifted to the first step at which its smoothed loss is at or below this; empty = the lowest that all have reached"
        >
          loss
          <input
            className={`${inputClass} w-24!`}
            inputMode="decimal"
            placeholder={common === null ? '' : measured(common)}
            aria-invalid={typed !== null && !Number.isFinite(typed) ? true : undefined}
            value={level}
            onChange={(e) => onChange({ level: e.target.value })}
          />
        </label>
      )}
      <span className="inline-flex items-center gap-1">
        smooth
        <Select
          aria-label="Smoothing, in rows"
          className="w-auto! font-sans"
          options={smoothStops.map(String)}
          value={String(smoothSteps)}
          onChange={(e) => onChange({ smoothSteps: Number(e.target.value) })}
        />
      </span>
      {(['log', 'logX', 'robust'] as const).map((key) => (
        <label key={key} className="inline-flex items-center gap-1">
          <input
            type="checkbox"
            className="accent-accent"
            checked={choices[key]}
            disabled={key === 'logX' && !canBeLog(x)}
            onChange={(e) => onChange({ [key]: e.target.checked })}
          />
          {words[key]}
        </label>
      ))}
    </div>
  );
}
