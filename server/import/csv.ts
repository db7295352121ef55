import Papa from 'papaparse';
import { counted } from '~/shared/numbers';
import { isAbsent, type NumberStyle, numberOf, numberStyle } from './cells';
import { ImportError } from './importError';
import type { RunsReading } from './reading';
import type { SourceFile } from './sources';
import { MAX_SERIES, TableReader } from './tables';
import { encodingOf, textOf } from './text';

/**
 * A table as text: CSV as spreadsheets, pandas, Lightning, Keras, YOLO, W&B, MLflow and others write it. The first line names the
 * columns; the separator is a comma, semicolon, tab or bar, judged by the lines (or named by `sep=;`), or spaces, as NumPy and
 * gnuplot write them; lines that begin with # are comments.
 */

/** Characters from which separator, line end and number style are judged. */
const SAMPLE = 1 << 16;
/** Of a cell; what a longer one has beyond it is left out: it is no number. */
const LONGEST_CELL = 4096;
const LONGEST_LINE = 8 * 2 ** 20;

/** @throws ImportError with line and column */
export async function readCsv(
  source: SourceFile,
  runs: RunsReading,
  options: { axis: string | null },
  report?: (bytesRead: number) => void,
): Promise<void> {
  const encoding = await encodingOf(source, 'a CSV');
  if (!/^utf-/.test(encoding.name)) runs.notes.push(`the file is not UTF-8: its characters are read as ${encoding.name}`);
  let reader: TableReader | null = null;
  let header: string[] = [];
  let comment: string[] | null = null;
  let short = 0;
  let firstShort = 0;
  const take = ({ cells, line }: Line, style: NumberStyle) => {
    if (cells.length === 1 && cells[0] === '') return;
    if (cells[0]!.startsWith('#')) {
      comment = [cells[0]!.slice(1).trim(), ...cells.slice(1)];
      return;
    }
    if (!reader) {
      // NumPy writes the column names as a comment.
      const isData = cells.every((cell) => numberOf(cell, style) !== null) && comment?.length === cells.length;
      header = withoutEnd(isData ? comment! : cells);
      reader = new TableReader(runs, { axis: options.axis, style });
      const known = new Set<string>();
      for (const name of header) {
        if (known.has(name) && name !== '') runs.notes.push(`line ${line}: two columns are named ${JSON.stringify(name)}`);
        known.add(name);
        reader.column(name);
      }
      if (!isData) return;
    }
    if (cells.length > header.length && cells.slice(header.length).every((cell) => cell === '')) cells.length = header.length;
    if (cells.length > header.length)
      throw new ImportError(
        `line ${line}: ${cells.length} cells, the first line has ${header.length}; put cells that hold the separator in quotes`,
      );
    if (cells.length < header.length && short++ === 0) firstShort = line;
    reader.row(cells, `line ${line}`);
  };
  for await (const { lines, style } of linesOf(textOf(source, encoding, report))) for (const line of lines) take(line, style);
  if (!reader) throw new ImportError('the file holds no line of a table');
  (reader as TableReader).end();
  if (short > 0)
    runs.notes.push(
      `${counted(short, 'line')} shorter than the first one (line ${firstShort}${short > 1 ? ' and others' : ''}): the cells that are missing hold no value`,
    );
}

/** Removes the empty cells that a separator at the end of the line makes. */
const withoutEnd = (cells: string[]): string[] => cells.slice(0, cells.findLastIndex((cell) => cell !== '') + 1);

interface Line {
  cells: string[];
  /** First line of the row, from 1. */
  line: number;
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<{ lines: Line[]; style: NumberStyle }> {
  let held = '';
  let dialect: Dialect | null = null;
  let line = 1;
  let done = false;
  const input = text[Symbol.asyncIterator]();
  while (!done) {
    const { value } = await input.next();
    if (value === undefined) done = true;
    else held += value;
    if (!dialect && held.length < SAMPLE && !done) continue;
    // Files that were put together from several have line ends of several kinds; within quotes a CR is part of the text.
    if (dialect?.newline !== '\r' && held.includes('\n') && !held.includes('"')) held = held.replace(/\r(?!\n|$)/g, '\n');
    if (!dialect) {
      dialect = dialectOf(held);
      if (dialect.skip > 0) {
        held = held.slice(dialect.skip);
        line++;
      }
    }
    if (held === '') continue;
    // Columns that are aligned by several spaces; held begins with a line.
    if (dialect.separator === ' ') held = held.replace(/(^|\n) *(#?) */g, '$1$2').replace(/ +/g, ' ');
    const parser = new Papa.Parser({ delimiter: dialect.separator, newline: dialect.newline, quoteChar: '"' });
    const { data, errors, meta } = parser.parse(held, 0, !done) as unknown as {
      data: string[][];
      errors: { code: string; row: number }[];
      meta: { cursor: number };
    };
    held = held.slice(meta.cursor);
    const wrong = new Map(errors.map(({ code, row }) => [row, code]));
    const lines: Line[] = [];
    for (const [row, raw] of data.entries()) {
      const quote = wrong.get(row);
      if (quote === 'MissingQuotes') throw new ImportError(`line ${line}: a quote is not closed`);
      if (quote === 'InvalidQuotes')
        throw new ImportError(`line ${line}: text follows a closing quote; write a quote inside quotes twice`);
      if (raw.length > MAX_SERIES + 8) throw new ImportError(`line ${line}: more than the ${MAX_SERIES} columns that are taken`);
      let breaks = 1;
      const cells = raw.map((cell) => {
        if (cell.includes(dialect!.newline)) breaks += cell.split(dialect!.newline).length - 1;
        const trimmed = (cell.length > LONGEST_CELL ? `${cell.slice(0, LONGEST_CELL)}...` : cell).trim();
        // The parser does not recognize a quote after a space.
        return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"') && cell !== trimmed
          ? trimmed.slice(1, -1)
          : trimmed;
      });
      lines.push({ cells, line });
      line += breaks;
    }
    yield { lines, style: dialect.style };
    if (held.length > LONGEST_LINE)
      throw new ImportError(`line ${line}: it is longer than ${LONGEST_LINE} characters, or a quote in it is not closed`);
  }
}

interface Dialect {
  separator: string;
  newline: '\n' | '\r';
  style: NumberStyle;
  /** Characters of a line that only names the separator. */
  skip: number;
}

function dialectOf(text: string): Dialect {
  const newline = text.includes('\n') ? '\n' : text.includes('\r') ? '\r' : '\n';
  const said = /^\s*"?sep=(.)"?\s*?(\r\n|\n|\r)/i.exec(text);
  const skip = said ? said[0].length : 0;
  const sample = text.slice(skip, skip + SAMPLE);
  const rowsBy = (separator: string) =>
    (
      new Papa.Parser({ delimiter: separator, newline, preview: 200 }).parse(sample, 0, false) as unknown as { data: string[][] }
    ).data
      .map((cells) => cells.map((cell) => cell.trim()))
      .filter((cells) => !cells[0]!.startsWith('#') && (cells.length > 1 || cells[0] !== ''));
  const separator = said ? said[1]! : separatorOf(rowsBy);
  const cells = rowsBy(separator).slice(1).flat();
  return {
    separator,
    newline,
    skip,
    style: numberStyle(
      cells.filter((cell) => !isAbsent(cell)),
      separator,
    ),
  };
}

/**
 * The separator for which the most lines have as many cells as the first one, and among those the one with the most cells. Where
 * there is none, it is spaces, if every line has as many words as the first one.
 */
function separatorOf(rowsBy: (separator: string) => string[][]): string {
  let best = { separator: ',', alike: 0, width: 1 };
  for (const separator of [',', ';', '\t', '|']) {
    const rows = rowsBy(separator).map(withoutEnd);
    const width = rows[0]?.length ?? 0;
    if (width < 2) continue;
    const alike = rows.filter((r) => r.length <= width && (r.length > 1 || width === 1)).length / rows.length;
    if (alike > best.alike + 0.2 || (alike > best.alike - 0.2 && width > best.width)) best = { separator, alike, width };
  }
  if (best.width > 1) return best.separator;
  const words = rowsBy(',').map((cells) => cells.join(',').split(/ +/).length);
  return words.length > 0 && words[0]! > 1 && words.every((n) => n === words[0]) ? ' ' : best.separator;
}
