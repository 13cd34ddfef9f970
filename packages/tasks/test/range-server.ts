/** A small HTTP server on 127.0.0.1 with byte ranges and the accidents that downloads must survive. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeServer {
  readonly url: string;
  /** One entry a request: path and the `Range` header. */
  readonly requests: { path: string; range: string | undefined }[];
  close(): Promise<void>;
}

export interface Accidents {
  /** Cut the connection of the first requests after so many bytes of the body, one entry a request. */
  readonly cutAfter?: number[];
  /** Answer the first requests with these codes. */
  readonly statuses?: number[];
  /** Ignore `Range` and answer 200 with everything. */
  readonly ignoreRange?: boolean;
  /** Send headers and then nothing. */
  readonly hang?: boolean;
}

export async function rangeServer(
  files: Readonly<Record<string, Uint8Array>>,
  { cutAfter = [], statuses = [], ignoreRange = false, hang = false }: Accidents = {},
): Promise<RangeServer> {
  const requests: RangeServer['requests'] = [];
  const cuts = [...cutAfter];
  const codes = [...statuses];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/';
    const range = request.headers.range;
    requests.push({ path, range });
    const code = codes.shift();
    const file = files[path];
    if (code !== undefined || file === undefined) {
      response.writeHead(code ?? 404).end('no');
      return;
    }
    const start = ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (start >= file.length) {
      response.writeHead(416).end();
      return;
    }
    const body = file.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
    });
    const cut = cuts.shift();
    if (hang) {
      response.flushHeaders();
    } else if (cut === undefined) {
      response.end(body);
    } else {
      response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 100));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
