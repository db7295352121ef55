/** @type {import('next').NextConfig} */
export default {
  reactStrictMode: true,
  // From HEADROOM_BASE_PATH: server/process/build.ts and server/web/pages.ts set it.
  basePath: process.env.NEXT_PUBLIC_BASE_PATH ?? '',
  // Pages for a second base path lie beside the first ones; build.ts and pages.ts set it.
  distDir: process.env.HEADROOM_PAGES || '.next',
  poweredByHeader: false,
  agentRules: false,
  devIndicators: false,
  allowedDevOrigins: ['127.0.0.1', 'localhost'],
  // `npm run types` checks the whole repository; a start need not do it again.
  typescript: { ignoreBuildErrors: true },
};
