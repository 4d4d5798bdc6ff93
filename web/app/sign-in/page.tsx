import type { Metadata } from 'next';

import { Credentials } from '@/components/credentials';
import { SHORTEST_PASSWORD } from '@/lib/auth-options.mjs';
import { nextPage } from '@/lib/next-page';

export const metadata: Metadata = { title: 'Sign in' };

export default async function Page({ searchParams }: PageProps<'/sign-in'>) {
  const { next } = await searchParams;
  return <Credentials kind="sign-in" next={nextPage(next)} shortestPassword={SHORTEST_PASSWORD} />;
}
