/** Headroom's version, from its one place. */
export { version } from '../../package.json';
