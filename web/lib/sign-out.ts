import { useEffect } from 'react';

import { authClient } from './auth-client';

const CHANNEL = 'sign-out';
const SIGN_IN = '/sign-in';

/** Ends the session and shows nothing of it any more, in every tab; false where that failed. */
export async function signOutEverywhere(): Promise<boolean> {
  const { error } = await authClient.signOut().catch((failure: Error) => ({ error: failure }));
  if (error) return false;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(null);
  channel.close();
  leave();
  return true;
}

/** Leaves with the tab that signs out, and when the browser brings back a page from before that. */
export function useSignOutElsewhere() {
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    const onShow = (event: PageTransitionEvent) => event.persisted && location.reload();
    channel.onmessage = leave;
    addEventListener('pageshow', onShow);
    return () => {
      channel.close();
      removeEventListener('pageshow', onShow);
    };
  }, []);
}

/** By loading a page: one that the router shows would keep the pages before it for Back. */
function leave() {
  location.replace(SIGN_IN);
}
