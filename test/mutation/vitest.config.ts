import { mergeConfig } from 'vitest/config';
import config from '../../vitest.config';

/** The fast tests alone: Stryker knows no projects. */
const [fast] = config.test!.projects as [{ test: { include: string[] } }];
const { projects: _, ...test } = config.test!;
export default mergeConfig({ ...config, test }, { test: { include: fast.test.include, reporters: [] } });
