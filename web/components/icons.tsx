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

export function AlertIcon() {
  return <Icon><path d="M12 7.5v5.5M12 16.4v.1M12 3a9 9 0 100 18 9 9 0 000-18z" /></Icon>;
}

export function DashIcon() {
  return <Icon><path d="M7 12h10" /></Icon>;
}

export function ChatIcon() {
  return <Icon><path d="M20 11.5a7.5 7.5 0 01-11.1 6.6L4 19.5l1.4-4.7A7.5 7.5 0 1120 11.5z" /></Icon>;
}

export function ListIcon() {
  return <Icon><path d="M10 6.5h10M10 12h10M10 17.5h10M4 6.5l1 1 2-2M4 12l1 1 2-2M4 17.5l1 1 2-2" /></Icon>;
}

export function LeaveIcon() {
  return <Icon><path d="M10 4H5.5v16H10M15 8l4 4-4 4M19 12H9.5" /></Icon>;
}

export function SpinnerIcon() {
  return <Icon className="animate-spin"><path d="M12 3.5a8.5 8.5 0 108.5 8.5" /></Icon>;
}
