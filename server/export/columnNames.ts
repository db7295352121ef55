/**
 * Names of series as columns of a table with columns of its own. A series named like one of those, or like an escaped name, is
 * escaped; reading (server/import) removes the escape, so that every series keeps its name.
 */

/** Columns for a row's step and time, as this and other programs write them; case is ignored. */
const own = new Set(['step', 'timems', 'wall time']);
const prefix = 'series:';

/** @param forSheets also escapes names that a spreadsheet would take for a formula */
export function columnName(series: string, forSheets = false): string {
  if (own.has(series.toLowerCase()) || (forSheets && /^[=+\-@#]/.test(series))) return prefix + series;
  // Spaces at the ends would be lost; a file with NUL in it is taken for no text.
  return series.startsWith(prefix) || series.trim() !== series || /\p{Cc}/u.test(series)
    ? prefix + JSON.stringify(series)
    : series;
}

export function seriesName(column: string): string {
  if (!column.startsWith(prefix)) return column;
  const rest = column.slice(prefix.length);
  if (!rest.startsWith('"')) return rest;
  try {
    const name: unknown = JSON.parse(rest);
    return typeof name === 'string' ? name : column;
  } catch {
    return column;
  }
}
