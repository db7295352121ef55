import { defaultConfig, setupOf } from '~/shared/config';
import type { RunSetup } from '~/shared/setup';

/**
 * What a new room begins with: the published reverse run, which is a recording within a minute, and after it one that goes on for long enough to be
 * watched and steered (15,400 steps: on two cores about ten minutes with TensorFlow's library, a quarter of an hour on WebAssembly). Both make room for
 * runs that people start.
 */
export function firstRuns(): RunSetup[] {
  const anomaly = defaultConfig('anomaly');
  return [defaultConfig('reverse'), { ...anomaly, model: { ...anomaly.model, modelDim: 128 } }].map(setupOf);
}
