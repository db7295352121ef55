import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { version } from '~/server/base/version';
import type { ToolHost } from './host';
import { addReadTools } from './readTools';
import { addSteerTools } from './steerTools';

/** The tools of an agent, which has its token's role. The server enforces roles, the control lock, approval and audit. */
export function createMcpServer(host: ToolHost): McpServer {
  const mcp = new McpServer({ name: 'headroom', version });
  addReadTools(mcp, host);
  addSteerTools(mcp, host);
  return mcp;
}
