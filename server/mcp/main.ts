/** `npm run mcp`: tools for agents over standard input and output. HEADROOM_SERVER: the server; HEADROOM_TOKEN: the token. */
import { setTimeout as pause } from 'node:timers/promises';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';
import { connect } from './client';
import { createMcpServer } from './tools';

const settings = z
  .object({
    HEADROOM_SERVER: z
      .url({ protocol: /^https?$/, error: 'HEADROOM_SERVER: give the address, e.g. http://127.0.0.1:3000' })
      .default('http://127.0.0.1:3000'),
    HEADROOM_TOKEN: z.string().min(1, 'HEADROOM_TOKEN: is empty; leave it out on loopback').optional(),
  })
  .safeParse(process.env);

if (!settings.success) {
  console.error(settings.error.issues.map((i) => i.message).join('\n'));
  process.exit(1);
}
const server = { url: settings.data.HEADROOM_SERVER, token: settings.data.HEADROOM_TOKEN };
await createMcpServer({ server, client: connect(server), pause }).connect(new StdioServerTransport());
