/** Where this server listens, and under which address it is reached. */

import { hostname } from 'node:os';

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** Everybody who reaches the port is an admin without a login: on this machine only, and not where people are to sign in. */
export const isOpen = (options: { host: string; loginRequired?: boolean; oidc?: object | null }): boolean =>
  isLoopback(options.host) && !options.loginRequired && !options.oidc;

/** It stands for every address of the machine. */
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** As it is written in a URL. */
const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Where a server that listens on `host` is reached from this machine. */
export const ownAddress = (host: string, port: number): string =>
  `http://${urlHost(isWildcard(host) ? '127.0.0.1' : host)}:${port}`;

/** Where it is reached from others. */
export const addressForOthers = (host: string, port: number): string =>
  `http://${isWildcard(host) ? hostname() : urlHost(host)}:${port}`;
