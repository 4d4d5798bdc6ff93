import './globals.css';

import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';

export const metadata: Metadata = {
  title: { default: 'Verbatim', template: '%s · Verbatim' },
  description: 'A to-do assistant that keeps every word.',
  icons: '/favicon.svg',
};

export const viewport: Viewport = { colorScheme: 'light dark' };

/** The system's theme is known to the browser alone: light, until its script has asked. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = (await cookies()).get('theme')?.value === 'dark' ? 'dark' : 'light';
  return (
    <html lang="en" data-theme={theme} suppressHydrationWarning>
      <body className="min-h-dvh antialiased">{children}</body>
    </html>
  );
}
