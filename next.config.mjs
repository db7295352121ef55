/** @type {import('next').NextConfig} */
export default {
  reactStrictMode: true,
  // From HEADROOM_BASE_PATH: server/process/build.ts and server/web/pages.ts set it.
  basePath: process.env.NEXT_PUBLIC_BASE_PATH ?? '',
  poweredByHeader: false,
  agentRules: false,
  devIndicators: false,
  allowedDevOrigins: ['127.0.0.1', 'localhost'],
  // `npm run types` checks the whole repository; a start need not do it again.
  typescript: { ignoreBuildErrors: true },
};
