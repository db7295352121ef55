/** BLOB_URL, taken apart. */
export interface ObjectsAddress {
  bucket: string;
  /** Before the name of every object: empty, or ending in a slash. */
  prefix: string;
  /** null: Amazon's. */
  endpoint: string | null;
  /** null: AWS_REGION or the profile says it. */
  region: string | null;
}

const example = 's3://bucket/headroom?endpoint=https://s3.lab.example&region=us-east-1';

/** @throws Error that says what is needed instead */
export function objectsAddress(text: string): ObjectsAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 's3:' || url.hostname === '' || url.username !== '')
    throw new Error(
      `the address of a bucket is needed, e.g. BLOB_URL=${example}; keys are given as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  const known = ['endpoint', 'region'];
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is not known; after the ? stand ${known.join(' and ')}, e.g. BLOB_URL=${example}`);
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)))
    throw new Error(`endpoint: "${endpoint}" is not an http or https address, e.g. BLOB_URL=${example}`);
  const path = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, '');
  return { bucket: url.hostname, prefix: path === '' ? '' : `${path}/`, endpoint, region: url.searchParams.get('region') };
}
