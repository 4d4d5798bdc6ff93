import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      className={cn('h-10 w-full rounded-lg border border-line bg-background px-3 text-base placeholder:text-muted', className)}
      {...rest}
    />
  );
}
