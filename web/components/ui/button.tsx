import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

/** Of a button, and of a link that looks like one. */
export const button = cva(
  'inline-flex shrink-0 cursor-pointer items-center justify-center gap-2 rounded-xl text-sm font-medium whitespace-nowrap transition-colors disabled:pointer-events-none disabled:opacity-60',
  {
    variants: {
      variant: {
        primary: 'bg-accent font-semibold text-on-accent hover:brightness-95',
        outline: 'border border-line bg-background hover:bg-surface',
        ghost: 'text-muted hover:bg-surface hover:text-foreground',
      },
      size: { normal: 'h-11 px-5', small: 'h-9 px-3.5', icon: 'size-9' },
    },
    defaultVariants: { variant: 'primary', size: 'normal' },
  },
);

type Props = ComponentProps<'button'> & VariantProps<typeof button>;

export function Button({ className, variant, size, type = 'button', ...rest }: Props) {
  return <button type={type} className={cn(button({ variant, size }), className)} {...rest} />;
}
