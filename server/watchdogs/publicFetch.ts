/**
 * Requests to addresses from people's settings: limited to the public network, so that nobody can use them to reach the server's
 * own network.
 */
import { lookup as systemLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const inside = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  inside.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  inside.addSubnet(address, bits, 'ipv6');

/** Loopback, private, link-local, shared or multicast (RFC 6890). An IPv4 address written as IPv6 is treated as IPv4. */
export function isInside(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return isInside(mapped);
  const family = isIP(address);
  return family === 0 || inside.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

const refusal = (host: string) =>
  new Error(`${host} is an address of this machine or of a private network; HEADROOM_PRIVATE_WEBHOOKS=1 allows that`);

/** Checks every address of a name when connecting, so that the name cannot change its address after the check. */
const publicLookup: LookupFunction = (host, options, done) => {
  systemLookup(host, { ...options, all: true }, (error, addresses) => {
    const found = addresses?.[0];
    if (error || !found) return done(error ?? new Error(`${host} has no address`), '', 4);
    if (addresses.some((a) => isInside(a.address))) return done(refusal(host), '', 4);
    // Node asks for all addresses or for one, depending on its version.
    if (options.all) (done as unknown as (error: null, all: typeof addresses) => void)(null, addresses);
    else done(null, found.address, found.family);
  });
};

/** Posts JSON once, without following redirects. @returns the status of the answer @throws Error when there is none */
export function postJson(
  url: string,
  body: string,
  { allowInside, withinMs = 10_000 }: { allowInside: boolean; withinMs?: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    if (!allowInside && isIP(host) && isInside(host)) return reject(refusal(host));
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(withinMs),
        ...(!allowInside && { lookup: publicLookup }),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode!);
      },
    );
    request.on('error', (error) =>
      reject(error.name === 'AbortError' ? new Error(`no answer within ${withinMs / 1000} s`) : error),
    );
    // A connection that is switched to another protocol (status 101) ends without an error.
    request.on('close', () => reject(new Error('the service closed the connection without an answer')));
    request.end(body);
  });
}
