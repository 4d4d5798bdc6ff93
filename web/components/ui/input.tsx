import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      className={cn(
        'h-11 w-full rounded-xl border border-muted/50 bg-background px-3.5 text-base placeholder:text-muted',
        'focus-visible:border-accent-text focus-visible:outline-accent-text/40',
        className,
      )}
      {...rest}
    />
  );
}
