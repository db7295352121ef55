/** @type {import('next').NextConfig} */
export default {
  reactStrictMode: true,
  poweredByHeader: false,
  agentRules: false,
  devIndicators: false,
  allowedDevOrigins: ['127.0.0.1', 'localhost'],
  // `npm run types` checks the whole repository; a start need not do it again.
  typescript: { ignoreBuildErrors: true },
};
