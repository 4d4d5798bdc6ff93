import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

const badge = cva('flex h-7 max-w-full items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium', {
  variants: {
    variant: {
      neutral: 'border-line bg-surface text-muted',
      success: 'border-accent-text/30 bg-accent-soft text-accent-text',
      failure: 'border-danger/30 bg-danger-soft text-danger',
    },
  },
  defaultVariants: { variant: 'neutral' },
});

type Props = ComponentProps<'span'> & VariantProps<typeof badge>;

export function Badge({ className, variant, ...rest }: Props) {
  return <span className={cn(badge({ variant }), className)} {...rest} />;
}
