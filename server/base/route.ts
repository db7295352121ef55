import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Actor } from '~/shared/ids';
import type { Permission } from './permissions';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request, with the results of matching its route. */
export interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** Values of the path's parameters, decoded; "*" for the rest. */
  params: Record<string, string>;
}

export interface KnownVisit extends Visit {
  actor: Actor;
}

/** Who may use a route: everybody who is signed in, trainers, or people and tokens with a permission. */
export type Audience = 'known' | 'trainer' | Permission;

/**
 * A kind of request that the server answers. Folders export lists of routes; process/app.ts joins them; web/http.ts checks host, origin and identity before
 * `handle` is called. Writing methods with the Origin of another site are always refused.
 */
export type Route = {
  /** A route for GET answers HEAD too. */
  method: Method | readonly Method[];
  /** "/api/runs/:runId/export"; a "*" at the end stands for any rest. */
  path: string;
  /** The bytes of its answers count against the client's limit per second; above the limit the answer is 429. */
  metered?: boolean;
  /** Writes refusals (404, 405, 403 and 401 included) for clients that expect a certain form; left out: as text. */
  refuse?(response: ServerResponse, status: number, message: string): void;
} & (
  | { for: 'anybody'; handle(visit: Visit): unknown }
  | {
      /** One of these suffices. */
      for: Audience | readonly Audience[];
      /** The token may also be the password of Basic authorization, as clients of other tools send it. */
      basic?: boolean;
      handle(visit: KnownVisit): unknown;
    }
);
