import { engines } from '../../package.json';

/** @returns why this Node cannot run Headroom, or null */
export function nodeProblem(version: string): string | null {
  const parts = (text: string) => text.split('.').map((part) => Number(part.replace(/\D/g, '')));
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [parts(version), parts(engines.node)];
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return null;
  return `Headroom needs Node ${leastMajor}.${leastMinor} or newer, and this is ${version}: https://nodejs.org has newer ones`;
}
