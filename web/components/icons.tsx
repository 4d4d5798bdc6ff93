import type { ComponentProps } from 'react';

function Icon({ children, ...rest }: ComponentProps<'svg'>) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...rest}
    >
      {children}
    </svg>
  );
}

export function CheckIcon() {
  return <Icon><path d="M5 12.5l4.5 4.5L19 7.5" /></Icon>;
}

export function CrossIcon() {
  return <Icon><path d="M6.5 6.5l11 11M17.5 6.5l-11 11" /></Icon>;
}

export function SunIcon() {
  return <Icon><circle cx="12" cy="12" r="4" /><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4" /></Icon>;
}

export function MoonIcon() {
  return <Icon><path d="M20 14.2A8.3 8.3 0 019.8 4a8.3 8.3 0 1010.2 10.2z" /></Icon>;
}

export function ScreenIcon() {
  return <Icon><path d="M3.5 5h17v11.5h-17zM9 20h6M12 16.5V20" /></Icon>;
}
