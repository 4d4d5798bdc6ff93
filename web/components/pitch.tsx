import { Brand } from '@/components/brand';
import { CheckIcon } from '@/components/icons';

const REASONS = [
  { title: 'Say it, and it is on the list', text: 'Add, finish and look up tasks in plain words.' },
  { title: 'See what it really did', text: 'Every step shows whether it worked, as it happens.' },
  { title: 'You decide what is deleted', text: 'Nothing is removed before you have approved it.' },
];

/** Beside the form, where there is room: what this is for. Dark in both themes. */
export function Pitch() {
  return (
    <aside
      aria-label="About Verbatim"
      className="relative flex flex-col justify-between overflow-hidden bg-[#0b0f0c] p-12 text-[#e9efea] max-lg:hidden xl:p-16"
    >
      <div aria-hidden="true" className="absolute inset-0 bg-[radial-gradient(44rem_28rem_at_0%_0%,rgb(15_255_80/.2),transparent_70%)]" />
      <div className="relative"><Brand /></div>
      <div className="relative grid max-w-lg gap-10">
        <p className="text-4xl leading-tight font-semibold tracking-tight text-balance xl:text-5xl">
          The to-do assistant that keeps <span className="text-accent">every word</span>.
        </p>
        <ul className="grid gap-6">
          {REASONS.map(({ title, text }) => (
            <li key={title} className="flex gap-4">
              <span className="grid size-7 shrink-0 place-items-center rounded-full bg-accent text-on-accent"><CheckIcon /></span>
              <div>
                <p className="font-medium">{title}</p>
                <p className="text-[#9ca8a0]">{text}</p>
              </div>
            </li>
          ))}
        </ul>
      </div>
      <p className="relative text-sm text-[#9ca8a0]">Your words are encrypted under a key of your own.</p>
    </aside>
  );
}
