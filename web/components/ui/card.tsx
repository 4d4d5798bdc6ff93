import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

export function Card({ className, ...rest }: ComponentProps<'section'>) {
  return <section className={cn('rounded-2xl border border-line bg-raised p-6', className)} {...rest} />;
}
