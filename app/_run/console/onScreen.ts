import type { ConsolePart } from '~/shared/media';

/** Colors, cursor movements and window titles that a program writes for a terminal (ECMA-48: CSI and OSC sequences, and short ones). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;

/** What a terminal would show of a program's output: without escape sequences, and with each line that a progress bar wrote over in its last state. */
export function onScreen(parts: readonly ConsolePart[]): ConsolePart[] {
  const shown: ConsolePart[] = [];
  // A carriage return takes effect with the next letter, which may come in a later part: "\r\n" is the end of a line.
  let returned = false;
  for (const part of parts) {
    shown.push({ ...part, text: '' });
    for (const [i, run] of part.text.replace(escapes, '').split('\r').entries()) {
      returned ||= i > 0;
      if (run === '') continue;
      if (returned && run[0] !== '\n') eraseLine(shown);
      returned = false;
      shown.at(-1)!.text += run;
    }
  }
  return shown;
}

/** Removes everything after the last line break. */
function eraseLine(parts: ConsolePart[]): void {
  for (const part of parts.toReversed()) {
    const end = part.text.lastIndexOf('\n') + 1;
    part.text = part.text.slice(0, end);
    if (end > 0) return;
  }
}
