import type { Metadata } from 'next';

import { Credentials } from '@/components/credentials';
import { SHORTEST_PASSWORD } from '@/lib/auth-options.mjs';
import { nextPage } from '@/lib/next-page';

export const metadata: Metadata = { title: 'Sign up' };

export default async function Page({ searchParams }: PageProps<'/sign-up'>) {
  const { next } = await searchParams;
  return <Credentials kind="sign-up" next={nextPage(next)} shortestPassword={SHORTEST_PASSWORD} />;
}
