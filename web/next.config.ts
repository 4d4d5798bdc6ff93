import type { NextConfig } from 'next';

const config: NextConfig = {
  // Compression would hold every event of a stream to its end.
  compress: false,
  poweredByHeader: false,
  reactStrictMode: true,
  turbopack: { root: import.meta.dirname },
  // Attachments pass through proxy.ts.
  experimental: { proxyClientMaxBodySize: '30mb' },
};

export default config;
