import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';

import { cn } from '@/lib/utils';

const button = cva(
  'inline-flex items-center justify-center gap-2 rounded-lg text-sm font-medium transition-colors disabled:pointer-events-none disabled:opacity-50',
  {
    variants: {
      variant: {
        primary: 'bg-accent text-on-accent hover:brightness-95',
        outline: 'border border-line bg-background hover:bg-surface',
        ghost: 'hover:bg-surface',
      },
      size: { normal: 'h-10 px-4', small: 'h-9 px-3', icon: 'size-9' },
    },
    defaultVariants: { variant: 'primary', size: 'normal' },
  },
);

type Props = ComponentProps<'button'> & VariantProps<typeof button>;

export function Button({ className, variant, size, type = 'button', ...rest }: Props) {
  return <button type={type} className={cn(button({ variant, size }), className)} {...rest} />;
}
