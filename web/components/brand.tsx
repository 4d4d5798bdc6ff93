/** The mark and the name. */
export function Brand({ isShort = false }: { isShort?: boolean }) {
  return (
    <span className="inline-flex items-center gap-2.5 text-base font-semibold tracking-tight">
      <svg aria-hidden="true" viewBox="0 0 32 32" width="28" height="28">
        <rect width="32" height="32" rx="9" fill="#03210b" />
        <path d="M8 10.5l8 12 8-12" fill="none" stroke="#0fff50" strokeWidth="3.5" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      <span className={isShort ? 'max-sm:sr-only' : undefined}>Verbatim</span>
    </span>
  );
}
