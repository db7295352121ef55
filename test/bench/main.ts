/**
 * `npm run bench -- NAME [flags]`: runs test/bench/NAME.bench.ts, prints its table and, as the last line, one JSON object.
 *
 * A bench exports `bench(args: string[]): Promise<BenchResult>`; the bench parses its own flags (`node:util`'s parseArgs refuses unknown ones) and
 * throws an Error that says what to change when it cannot run.
 */
import { readdirSync } from 'node:fs';

export interface BenchResult {
  title: string;
  /** One object per line of the table; the columns are the union of the keys, in order of appearance. Units in the names. */
  rows: Record<string, string | number>[];
  notes?: string[];
}

type Bench = (args: string[]) => Promise<BenchResult>;

const suffix = '.bench.ts';

async function main(): Promise<void> {
  const names = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || name === '--help') {
    console.log(`npm run bench -- NAME [flags]\nbenches: ${names.join(', ')}`);
    return;
  }
  if (!names.includes(name)) throw new Error(`there is no bench "${name}"; there are: ${names.join(', ')}`);
  const { bench } = (await import(`./${name}${suffix}`)) as { bench: Bench };
  const result = await bench(args);
  console.log(`\n${result.title}\n\n${table(result.rows)}`);
  for (const note of result.notes ?? []) console.log(`\n${note}`);
  console.log(`\n${JSON.stringify({ bench: name, ...result })}`);
}

/** Numbers aligned right, text left; at most four significant digits, because a bench is not more exact. */
function table(rows: BenchResult['rows']): string {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((line) => line[at]!.length)));
  const numeric = columns.map((column) => rows.every((row) => typeof (row[column] ?? 0) === 'number'));
  const line = (values: string[]) =>
    values
      .map((value, at) => (numeric[at] ? value.padStart(widths[at]!) : value.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd();
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(4)));
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
