/** Objects of an S3-compatible store (Amazon S3, MinIO, Ceph, R2 ...): the bytes of blobs that several nodes share. */
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { type ObjectsAddress, objectsAddress } from './objectsAddress';

const retryMs = 500;
const partBytes = 8 << 20;
/** A request without an answer for this long is sent again: its connection may be dead without either side knowing. */
const answerWithinMs = 30_000;

/**
 * Few servers have a bucket: the others do not load it, and our package does not bring it. On Node 20 it works, and warns that it
 * will not always.
 */
const loadSdk = async () => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  try {
    return { ...(await import('@aws-sdk/client-s3')), ...(await import('@aws-sdk/lib-storage')) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'BLOB_URL: the client for buckets is not installed; run npm install @aws-sdk/client-s3@3 @aws-sdk/lib-storage@3 where Headroom is installed',
    );
  }
};
type Sdk = Awaited<ReturnType<typeof loadSdk>>;

/**
 * While the store cannot be reached, requests wait and are sent again, as statements to PostgreSQL do. What it refuses (keys that are
 * wrong, a bucket that is not there) is an error.
 */
export class Objects {
  readonly #client: S3Client;
  readonly #at: ObjectsAddress;
  #closed = false;
  /** Why the store does not answer; null when it does. */
  trouble: string | null = null;

  private constructor(
    url: string,
    private readonly onTrouble: (reason: string | null) => void,
    private readonly sdk: Sdk,
  ) {
    this.#at = objectsAddress(url);
    const { endpoint, region } = this.#at;
    this.#client = new sdk.S3Client({
      ...(endpoint !== null && { endpoint, forcePathStyle: true }),
      // A store of one's own has no regions, but the signature names one.
      ...(region !== null ? { region } : endpoint !== null && { region: 'us-east-1' }),
      requestHandler: { connectionTimeout: 3_000, requestTimeout: answerWithinMs, throwOnRequestTimeout: true },
      // Other stores than Amazon's do not know its newer checksums; a blob's name is the hash of its bytes.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /**
   * @param url BLOB_URL
   * @param onTrouble called when the store stops answering (with the reason), and when it answers again (null)
   * @throws Error with a message for people when the bucket cannot be used
   */
  static async open(url: string, onTrouble: (reason: string | null) => void): Promise<Objects> {
    const objects = new Objects(url, onTrouble, await loadSdk());
    const { bucket } = objects.#at;
    await objects.#client.send(new objects.sdk.HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
      throw new Error(
        `BLOB_URL: the bucket "${bucket}" cannot be used (${describe(error)}); check that it is there, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
      );
    });
    return objects;
  }

  /** @param open called for each try */
  async put(name: string, open: () => Promise<Readable>): Promise<void> {
    await this.#again(name, async () => {
      const Body = await open();
      await new this.sdk.Upload({
        client: this.#client,
        params: { ...this.#of(name), Body },
        partSize: partBytes,
        queueSize: 2,
      }).done();
    });
  }

  /** @throws Error when there is no such object, or reading breaks off */
  async *get(name: string): AsyncGenerator<Uint8Array> {
    const { Body } = await this.#again(name, () => this.#client.send(new this.sdk.GetObjectCommand(this.#of(name))));
    yield* Body as unknown as AsyncIterable<Uint8Array>;
  }

  /** The names that begin so, by pages. */
  async *names(start: string): AsyncGenerator<string[]> {
    const { prefix } = this.#at;
    for (let after: string | undefined; ; ) {
      const { Key, ...of } = this.#of(start);
      const ask = { ...of, Prefix: Key, ContinuationToken: after };
      const page = await this.#again(start, () => this.#client.send(new this.sdk.ListObjectsV2Command(ask)));
      yield (page.Contents ?? []).flatMap((object) => object.Key?.slice(prefix.length) ?? []);
      after = page.NextContinuationToken;
      if (after === undefined) return;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#again(name, () => this.#client.send(new this.sdk.DeleteObjectCommand(this.#of(name))));
  }

  close(): void {
    this.#closed = true;
    this.#client.destroy();
  }

  #of(name: string) {
    return { Bucket: this.#at.bucket, Key: this.#at.prefix + name };
  }

  async #again<R>(object: string, task: () => Promise<R>): Promise<R> {
    for (;;) {
      try {
        const result = await task();
        this.#note(null);
        return result;
      } catch (error) {
        const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string };
        const status = $metadata?.httpStatusCode;
        const passing = status === undefined ? isNetwork(error) : status >= 500 || status === 429 || name === 'SlowDown';
        if (!passing || this.#closed)
          throw new Error(`BLOB_URL: ${describe(error)} (object ${this.#of(object).Key})`, { cause: error });
        this.#note(describe(error));
      }
      await pause(retryMs);
    }
  }

  #note(trouble: string | null): void {
    if ((trouble === null) !== (this.trouble === null)) this.onTrouble(trouble);
    this.trouble = trouble;
  }
}

/** A request got no answer, or none to the end. */
const isNetwork = (error: unknown): boolean =>
  typeof (error as { code?: unknown }).code === 'string' || /timeout|socket|aborted|network/i.test(String((error as Error).name));

const describe = (error: unknown): string => {
  const { message, name, code, $metadata } = error as Error & { code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode && `HTTP ${$metadata.httpStatusCode}`;
  const saysNothing = ['Error', 'Unknown', 'UnknownError', undefined, ''];
  return [name, code, message, status].filter((word) => !saysNothing.includes(word as string)).join(', ') || 'no answer';
};
