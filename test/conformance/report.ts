/** The results of a conformance run, line by line. */
export interface Check {
  name: string;
  outcome: 'ok' | 'failed' | 'not tried';
  detail: string;
}

export class Report {
  readonly checks: Check[] = [];

  constructor(private readonly print: (line: string) => void) {}

  add(name: string, outcome: Check['outcome'], detail = ''): void {
    this.checks.push({ name, outcome, detail });
    const mark = { ok: 'ok       ', failed: 'FAILED   ', 'not tried': 'not tried' }[outcome];
    this.print(`${mark}  ${name}${detail && outcome !== 'ok' ? `: ${detail}` : ''}`);
  }

  /** Runs one check: `work` throws an error that says what is wrong, or returns a reason why the check was skipped. */
  async check(name: string, work: () => Promise<string | undefined> | string | undefined): Promise<void> {
    try {
      const why = await work();
      this.add(name, why === undefined ? 'ok' : 'not tried', why);
    } catch (error) {
      this.add(name, 'failed', error instanceof Error ? error.message : String(error));
    }
  }

  get failed(): number {
    return this.checks.filter((c) => c.outcome === 'failed').length;
  }

  summary(): string {
    const count = (outcome: Check['outcome']) => this.checks.filter((c) => c.outcome === outcome).length;
    return `${count('ok')} ok, ${count('failed')} failed, ${count('not tried')} not tried`;
  }
}

/** @throws Error with both values when they differ */
export function equal(actual: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${b} was expected, got ${a}`);
}

export function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
