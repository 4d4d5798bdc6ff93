import '@fontsource-variable/inter/wght.css';
import './globals.css';

import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';

export const metadata: Metadata = {
  title: { default: 'Verbatim', template: '%s · Verbatim' },
  description: 'A to-do assistant that keeps every word.',
  icons: '/favicon.svg',
};

export const viewport: Viewport = { colorScheme: 'light dark', viewportFit: 'cover', interactiveWidget: 'resizes-content' };

/** Without a choice of the user the style sheet asks the system. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  const chosen = (await cookies()).get('theme')?.value;
  const theme = chosen === 'dark' || chosen === 'light' ? chosen : undefined;
  return (
    <html lang="en" data-theme={theme} suppressHydrationWarning>
      <body className="min-h-dvh antialiased">{children}</body>
    </html>
  );
}
