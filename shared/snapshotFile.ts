/**
 * What an attention snapshot's blob holds: a safetensors file, so that any tool opens it. E examples, L layers, H heads, Tq queries, Tk keys, C classes.
 *
 *   attention     f32 [E, L, H, Tq, Tk]   exact softmax maps, rows sum to 1
 *   inputs        i32 [E, T]              reverse: the digits; anomaly: indices into `pictures`
 *   labels        i32 [E, T] | [E]        reverse: target digits; anomaly: place of the odd image
 *   predictions   i32 like labels         argmax of the model's output
 *   probabilities f32 [E, T, C] | [E, T]  softmax over classes; over the set for anomaly
 *   pictures      u8  [n, S, S, 3]        anomaly: RGB of every picture that occurs, S = 32; in a file of its own, with this one tensor, that all snapshots of
 *                                         the same examples name (older snapshots carry it themselves)
 *   signal.NAME   f32 [E, L, H]           per example: entropy (normalised, 1 = uniform), confidence (mean row maximum), drift (total variation to the previous
 *                                         snapshot), and the task's own: antiDiagonal (reverse), oddMass (anomaly)
 *
 * Metadata: {"task": "reverse" | "anomaly", "step": "<n>", "runId": "..."}; with pictures also "pictureSet" (what they are, in words), "pictureClasses" (JSON, n
 * class names), "examples" (JSON, E names in the notation of the control probeExamples: "test 3") and "pictures" (SHA-256 of the pictures' file).
 */
export const snapshotTensors = ['attention', 'inputs', 'labels', 'predictions', 'probabilities'] as const;
export const signalNames = ['entropy', 'confidence', 'drift', 'antiDiagonal', 'oddMass'] as const;
export type SignalName = (typeof signalNames)[number];
