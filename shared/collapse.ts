/**
 * Has attention collapsed? Sharp heads alone are no sign: heads of a run that learns get sharp too. Sharp (or saturated) heads
 * while the loss stays at chance are. Source of the rule: research on 21 runs (entropy below 0.3 with the loss above 0.9 ln C,
 * held: all 6 collapses, none of 15 good runs). On 57 held-out runs (other seeds and sizes, both tasks, rates from 5e-4 to 5e-2):
 * all 12 collapses found by step 100, none of 42 that learn (test/fixtures/collapseHeldOut.json). The server applies the rule
 * (server/watchdogs); pages show its alerts from the log.
 */
export interface CollapseRule {
  /** Normalized entropy below which a head is sharp. */
  entropyBelow: number;
  /** Share of the chance loss above which the model has learned nothing. */
  lossAbove: number;
  /** Steps for which both must hold. */
  heldSteps: number;
}

export const collapseRule: CollapseRule = { entropyBelow: 0.3, lossAbove: 0.9, heldSteps: 60 };

export interface WatchPoint {
  step: number;
  /** Normalized entropy per head. */
  entropy: ArrayLike<number>;
  /** Training loss around this step; NaN when not known. */
  loss: number;
}

export interface Collapse {
  /** The first step of the stretch in which both hold. */
  sinceStep: number;
  /** The sharpest head now, counted over all layers, and its entropy. */
  head: number;
  entropy: number;
  loss: number;
}

/** Checks the snapshots of one run, in step order. */
export class CollapseWatch {
  #since: number | null = null;

  constructor(private readonly rule: CollapseRule) {}

  /**
   * @param chanceLoss loss of a model that has learned nothing
   * @returns the collapse that has lasted long enough; null = none
   */
  see({ step, entropy, loss }: WatchPoint, chanceLoss: number): Collapse | null {
    // A point without a loss neither begins nor ends a stretch.
    if (Number.isNaN(loss)) return null;
    const { head, value } = sharpest(entropy);
    if (!(value < this.rule.entropyBelow && loss > this.rule.lossAbove * chanceLoss)) {
      this.#since = null;
      return null;
    }
    this.#since ??= step;
    return step - this.#since >= this.rule.heldSteps ? { sinceStep: this.#since, head, entropy: value, loss } : null;
  }

  /** Called when a new attempt begins. */
  reset(): void {
    this.#since = null;
  }
}

/** The head of least entropy; heads whose entropy is NaN or infinite are ignored. */
function sharpest(entropy: ArrayLike<number>): { head: number; value: number } {
  let best = { head: 0, value: Number.POSITIVE_INFINITY };
  for (let h = 0; h < entropy.length; h++) if (entropy[h]! < best.value) best = { head: h, value: entropy[h]! };
  return best;
}
