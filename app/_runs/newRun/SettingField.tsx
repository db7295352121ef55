import { type ReactNode, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { Field, inputClass, Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { fits, type RecipeField } from '~/shared/recipeFields';
import type { JsonSchema } from '~/shared/recipes';
import { bare } from '~/shared/schemaWords';
import { CheckpointPicker, type Checkpoints } from './CheckpointPicker';
import { valueTyped } from './formTexts';
import { severalOf, takesSeveral, unsure } from './several';

/** The input for one setting of a recipe, according to its kind. */
export function SettingField(props: {
  field: RecipeField;
  /** The whole schema that contains the field. */
  schema: JsonSchema;
  text: string;
  /** The value in the preset. */
  published: string;
  error: string | null;
  checkpoints: Checkpoints;
  onType(text: string): void;
}) {
  const { field, schema, text, published, error, checkpoints, onType } = props;
  const usual = field.annotations['x-usual'];
  const off = field.choices.filter((c) => c.disabled);
  return (
    <Field
      label={field.title}
      unit={readable(field, text)}
      about={aboutSetting(field, schema, published)}
      detail={off.length > 0 ? <WhyNot of={off} /> : usual && unusual(usual, field, text)}
      error={(isNumber(field) ? unsure(text) : null) ?? error}
      marked={text !== published}
    >
      {(ids) => <Input ids={ids} field={field} text={text} checkpoints={checkpoints} onType={onType} />}
    </Field>
  );
}

/** Whole numbers of five digits and more: "50000" -> "50,000". */
const withSeparators = (text: string): string => text.replace(/(?<![\d.])\d{5,}(?![\d.])/g, (digits) => count(Number(digits)));
const isNumber = ({ kind }: RecipeField): boolean => kind === 'integer' || kind === 'number';

type Ids = Parameters<Parameters<typeof Field>[0]['children']>[0];

function Input(props: { ids: Ids; field: RecipeField; text: string; checkpoints: Checkpoints; onType(text: string): void }) {
  const { ids, field, text, checkpoints, onType } = props;
  const name = `config.${field.path}`;
  const none = field.nullable || !field.required ? (field.annotations['x-null'] ?? 'none') : field.annotations['x-empty'];
  const common = { ...ids, name, 'data-setting': field.path };
  if (field.kind === 'switch' || (field.kind === 'boolean' && none === undefined))
    return (
      <span className="flex h-7 items-center">
        <input
          {...common}
          type="checkbox"
          className="size-4"
          checked={text === 'true'}
          onChange={(e) => onType(String(e.target.checked))}
        />
      </span>
    );
  if (field.kind === 'choice' || field.kind === 'boolean') {
    const choices =
      field.kind === 'choice'
        ? field.choices.map((c) => ({ value: bare(c.value), text: c.title, disabled: c.disabled !== undefined }))
        : [
            { value: 'true', text: 'yes', disabled: false },
            { value: 'false', text: 'no', disabled: false },
          ];
    const unknown = !choices.some((c) => c.value === text) && (text !== '' || none === undefined);
    return (
      <Choices
        label={field.title}
        several={takesSeveral(field) ? severalOf(field, text) : undefined}
        choices={choices.filter((c) => !c.disabled)}
        text={text}
        onType={onType}
      >
        <Select
          {...common}
          options={[...(none === undefined ? [] : [{ value: '', text: none }]), ...(unknown ? [text] : []), ...choices]}
          value={text}
          onPick={onType}
        />
      </Choices>
    );
  }
  if (field.kind === 'json')
    return (
      <textarea
        {...common}
        rows={3}
        spellCheck={false}
        className={`${inputClass} h-auto py-1`}
        placeholder={none}
        value={text}
        onChange={(e) => onType(e.target.value)}
      />
    );
  const input = (
    <input
      {...common}
      className={inputClass}
      autoComplete="off"
      spellCheck={false}
      placeholder={none}
      value={text}
      onChange={(e) => onType(e.target.value)}
    />
  );
  if (field.annotations['x-format'] !== 'checkpoint') return input;
  return (
    <>
      <CheckpointPicker label={field.title} checkpoints={checkpoints} hash={text} onPick={onType} />
      <details className="mt-1">
        <summary className="min-h-6 text-2xs leading-6 text-dim">or give its hash</summary>
        {input}
      </details>
    </>
  );
}

/** A choice of one value, or of several: each value is then a run of a sweep. */
function Choices(props: {
  label: string;
  /** undefined: the field takes one value only. */
  several: string[] | null | undefined;
  choices: readonly { value: string; text: string }[];
  text: string;
  onType(text: string): void;
  children: ReactNode;
}) {
  const { label, several, choices, text, onType, children } = props;
  const [open, setOpen] = useState(false);
  if (several === undefined || choices.length < 2) return children;
  if (!open && several === null)
    return (
      <span className="flex gap-1">
        <span className="min-w-0 flex-1">{children}</span>
        <Button
          size="small"
          look="bare"
          className="h-7"
          of={label}
          title="Several values make a sweep"
          onClick={() => setOpen(true)}
        >
          several…
        </Button>
      </span>
    );
  const chosen = several ?? [text];
  const set = (values: readonly string[]) => {
    if (values.length > 0) onType(values.join(', '));
  };
  return (
    <fieldset className="rounded border border-line px-2 py-1">
      <legend className="sr-only">{label}: several</legend>
      {choices.map(({ value, text: title }) => (
        <label key={value} className="flex min-h-6 items-center gap-1.5 text-xs">
          <input
            type="checkbox"
            className="size-4"
            checked={chosen.includes(value)}
            onChange={(e) => set(e.target.checked ? [...chosen, value] : chosen.filter((v) => v !== value))}
          />
          {title}
        </label>
      ))}
      <Button
        size="small"
        look="bare"
        of={label}
        onClick={() => {
          setOpen(false);
          onType(chosen[0] ?? '');
        }}
      >
        only one
      </Button>
    </fieldset>
  );
}

/** What the setting is for, the values it takes, the usual ones, and the preset's value with its source. */
function aboutSetting(field: RecipeField, schema: JsonSchema, published: string): string[] {
  const { annotations, choices, description, kind } = field;
  const usual = annotations['x-usual'];
  const shownDefault =
    published === '' ? (annotations['x-null'] ?? 'none') : (choices.find((c) => bare(c.value) === published)?.title ?? published);
  const source = annotations['x-source'];
  // On the form null is an empty field.
  const allowed = fits(schema, field).replace(/ or null(?= \(|$)/, ' or empty');
  const numbers = isNumber(field) ? withSeparators : (text: string) => text;
  return [
    description && sentence(description),
    ['integer', 'number', 'list', 'text', 'json'].includes(kind) && sentence(numbers(allowed)),
    usual && sentence(usuallyWords(usual)),
    kind !== 'switch' && shownDefault.length <= 40 && sentence(`default ${numbers(shownDefault)}`),
    source && (isAddress(source) ? source : sentence(`source: ${source}`)),
  ].filter((line) => typeof line === 'string' && line !== '') as string[];
}

const sentence = (words: string): string => `${words[0]!.toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`;
const isAddress = (text: string): boolean => /^https?:\/\//.test(text);
const usuallyWords = ([least, most]: readonly [number, number]): string =>
  `usually ${withSeparators(String(least))} to ${withSeparators(String(most))}`;

/** Says which of the values, of one run or of a sweep, are outside of the usual ones. */
function unusual(usual: readonly [number, number], field: RecipeField, text: string): ReactNode {
  const several = severalOf(field, text);
  const outside = (several ?? [text]).filter((one) => {
    const value = valueTyped(field, one);
    return typeof value === 'number' && (value < usual[0] || value > usual[1]);
  });
  if (outside.length === 0) return null;
  return (
    <span className="text-warn">
      {several ? `${usuallyWords(usual)}; outside of that: ${outside.join(', ')}` : `${usuallyWords(usual)}: outside of that`}
    </span>
  );
}

/** The unit of the value; before it the value itself where its digits are hard to count: "50,000 examples". */
function readable(field: RecipeField, text: string): string | undefined {
  const value = valueTyped(field, text);
  const shown = typeof value === 'number' && Number.isInteger(value) && withSeparators(text) !== text ? count(value) : undefined;
  return [shown, field.annotations['x-unit']].filter((part) => part !== undefined).join(' ') || undefined;
}

/** The choices that cannot work here, each with the reason and what helps. */
function WhyNot({ of }: { of: RecipeField['choices'] }) {
  return (
    <details>
      <summary className="min-h-6 leading-6">why not {of.map((c) => c.title).join(', ')}</summary>
      {of.map((c) => (
        <p key={bare(c.value)}>
          {c.title}: {c.disabled!.reason}
          {c.disabled!.help && `; ${c.disabled!.help}`}
        </p>
      ))}
    </details>
  );
}
