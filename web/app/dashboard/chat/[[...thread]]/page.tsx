import type { Metadata } from 'next';
import { notFound } from 'next/navigation';

import { Chat } from '@/components/chat';
import { signedIn } from '@/lib/session';
import { settings } from '@/lib/settings';

export const metadata: Metadata = { title: 'Chat' };

const ID = /^[0-9a-f-]{36}$/;

export default async function ChatPage({ params }: PageProps<'/dashboard/chat/[[...thread]]'>) {
  await signedIn();
  const { thread = [] } = await params;
  const [threadId] = thread;
  if (thread.length > 1 || (threadId && !ID.test(threadId))) notFound();
  const element = { url: settings.elementUrl, domainKey: settings.domainKey };
  return <Chat element={element} />;
}
