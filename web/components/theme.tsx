'use client';

import { useEffect, useSyncExternalStore } from 'react';

import { MoonIcon, ScreenIcon, SunIcon } from '@/components/icons';
import { Button } from '@/components/ui/button';

const COOKIE = 'theme';
const YEAR_SECONDS = 31_536_000;
const DARK = '(prefers-color-scheme: dark)';
const CHANGED = 'themechange';

export type Choice = 'light' | 'dark' | 'system';
export type Scheme = 'light' | 'dark';

const CHOICES: Record<Choice, { name: string; next: Choice; Icon: () => React.JSX.Element }> = {
  system: { name: 'as the system', next: 'light', Icon: ScreenIcon },
  light: { name: 'light', next: 'dark', Icon: SunIcon },
  dark: { name: 'dark', next: 'system', Icon: MoonIcon },
};

function choice(): Choice {
  const found = document.cookie.match(/(?:^|; )theme=(light|dark)/)?.[1];
  return (found as Scheme | undefined) ?? 'system';
}

function scheme(): Scheme {
  const chosen = choice();
  if (chosen !== 'system') return chosen;
  return matchMedia(DARK).matches ? 'dark' : 'light';
}

function subscribe(changed: () => void) {
  const system = matchMedia(DARK);
  system.addEventListener('change', changed);
  addEventListener(CHANGED, changed);
  return () => {
    system.removeEventListener('change', changed);
    removeEventListener(CHANGED, changed);
  };
}

/** What is shown now, whether it was chosen here or by the system. */
export function useScheme(): Scheme {
  const shown = useSyncExternalStore(subscribe, scheme, () => 'light' as const);
  useEffect(() => {
    document.documentElement.dataset.theme = shown;
  }, [shown]);
  return shown;
}

/** Goes round light, dark and the system's; a cookie tells the server, so that no page flashes. */
export function ThemeButton() {
  useScheme();
  const chosen = useSyncExternalStore(subscribe, choice, () => 'system' as const);
  const { name, next, Icon } = CHOICES[chosen];
  const choose = () => {
    document.cookie = `${COOKIE}=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
    dispatchEvent(new Event(CHANGED));
  };
  return (
    <Button variant="ghost" size="icon" onClick={choose} aria-label={`Theme: ${name}. Change it.`}>
      <Icon />
    </Button>
  );
}
