// @ts-check
/** The style sheet. */

const STYLES = `
:host { display: block; height: 100%; min-height: 0; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.frame, .themed[data-scheme=light] {
  --bg: #ffffff; --fg: #17211b; --muted: #566159; --line: #dfe5e0; --soft: #f5f7f5; --bubble: #edf1ee;
  --danger: #ac1f17; --danger-soft: #fdf1ef; --danger-line: #f3cfca; --warning: #7a5200; --warning-soft: #fdf6e3;
  --shadow: 0 1px 2px rgb(12 30 18 / .06), 0 8px 24px rgb(12 30 18 / .07);
  color-scheme: light;
}
.frame {
  --size: 16px;
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --radius: 22px; --gap: 1.5rem;
  position: relative; display: flex; flex-direction: column; height: 100%; min-height: 0; overflow: hidden;
  background: var(--bg); color: var(--fg);
  font-family: var(--font); font-size: var(--size); line-height: 1.6; text-align: start;
  -webkit-font-smoothing: antialiased;
}
.themed[data-scheme=light] { --accent-text: color-mix(in srgb, var(--accent) 40%, black); }
.themed[data-scheme=dark] { --accent-text: color-mix(in srgb, var(--accent) 75%, white); }
.frame[data-scheme=dark], .themed[data-scheme=dark] {
  --bg: #0b0f0c; --fg: #e9efea; --muted: #9ca8a0; --line: #253029; --soft: #131914; --bubble: #1b231e;
  --danger: #ff9a8f; --danger-soft: #261412; --danger-line: #55261f; --warning: #f2c14e; --warning-soft: #241d0d;
  --shadow: 0 1px 2px rgb(0 0 0 / .5), 0 8px 24px rgb(0 0 0 / .4);
  color-scheme: dark;
}
.frame[data-radius=round] { --radius: 16px; }
.frame[data-radius=soft] { --radius: 10px; }
.frame[data-radius=sharp] { --radius: 0px; }
.frame[data-density=compact] { --gap: 1rem; }
.frame[data-density=spacious] { --gap: 2.125rem; }

button, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 2px; }
.icon { width: 1.125em; height: 1.125em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.icon.filled { fill: currentColor; }

.frame { --header: 0rem; }
.frame[data-header] { --header: 3.25rem; }
.header { display: flex; align-items: center; gap: .25rem; flex: none; height: var(--header); padding: 0 .75rem; border-bottom: 1px solid var(--line); }
.header .title { flex: 1; min-width: 0; margin: 0 .375rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 1rem; font-weight: 600; letter-spacing: -.01em; }
.header .title[hidden] { display: block !important; visibility: hidden; }
.header .quiet { width: 2.25rem; height: 2.25rem; flex: none; font-size: 1rem; }
.header .quiet[aria-expanded=true] { background: var(--bubble); color: var(--fg); }
.threads { position: absolute; inset: var(--header) 0 0; z-index: 1; overflow-y: auto; overscroll-behavior: contain; background: var(--bg); padding: 0 max(1rem, (100% - 46rem) / 2) 1.5rem; }
.threads-bar { position: sticky; top: 0; display: flex; align-items: center; justify-content: space-between; padding: 1rem .75rem .75rem; background: var(--bg); }
.threads-bar h2 { margin: 0; font-size: 1.125rem; font-weight: 650; letter-spacing: -.01em; }
.threads > .action { display: block; margin: .75rem auto 0; }
.entries { display: grid; grid-template-columns: minmax(0, 1fr); gap: .125rem; margin: 0; padding: 0; list-style: none; }
.entry { display: flex; align-items: center; gap: .125rem; min-height: 2.75rem; padding-inline-end: .5rem; border-radius: min(12px, var(--radius)); }
.entry:hover, .entry:focus-within { background: var(--soft); }
.entry-open { display: flex; align-items: baseline; gap: 1rem; flex: 1; min-width: 0; padding: .625rem .75rem; border: 0; border-radius: inherit; background: none; text-align: start; }
.entry-open[aria-current] .entry-title { font-weight: 650; }
.entry-title { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.entry time { flex: none; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.entry-form { display: flex; align-items: center; flex-wrap: wrap; gap: .5rem; flex: 1; min-width: 0; padding: .375rem .25rem .375rem .75rem; }
.entry-form > :first-child { flex: 1; min-width: 8rem; overflow-wrap: anywhere; }
.entry-form input { padding: .375rem .75rem; border: 1px solid var(--line); border-radius: min(10px, var(--radius)); background: var(--bg); color: inherit; font: inherit; }
.entries-note { margin: 0; padding: .625rem .75rem; color: var(--muted); }
.entries-note:empty { display: none; }
.action.danger { border-color: var(--danger-line); color: var(--danger); }

.scroller { position: relative; flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; display: flex; flex-direction: column; scrollbar-gutter: stable both-edges; }
.scroller:focus-visible { outline-offset: -2px; }
.column { width: 100%; max-width: 48rem; margin: 0 auto; padding: 2rem 1.5rem 1.5rem; }
.log { display: flex; flex-direction: column; gap: var(--gap); }
.message { min-width: 0; max-width: 100%; }
.page { display: flex; flex-direction: column; gap: var(--gap); min-width: 0; }
.page.resting { content-visibility: auto; overflow-clip-margin: 2rem; }
.user { align-self: flex-end; max-width: min(85%, 36rem); }
.user .bubble { padding: .625rem 1.125rem; border-radius: var(--radius); border-end-end-radius: min(6px, var(--radius)); background: var(--own); white-space: pre-wrap; overflow-wrap: anywhere; }
.user blockquote { margin: 0 0 .375rem; padding-inline-start: .75rem; border-inline-start: 2px solid var(--line); color: var(--muted); }
.tag { padding: .0625rem .5rem; margin-inline-end: .25rem; border: 1px solid var(--line); border-radius: 99px; background: var(--bg); font-size: .9em; }
.task + .task, .workflow + .task, .task + .workflow { margin-top: calc(.5rem - var(--gap)); }
.task + .assistant, .workflow + .assistant { margin-top: calc(.875rem - var(--gap)); }

.markdown { overflow-wrap: break-word; }
.markdown > * { margin: 0 0 .875em; }
.markdown > :last-child, .markdown li > :last-child, .markdown blockquote > :last-child { margin-bottom: 0; }
.markdown + .markdown { margin-top: .875em; }
.markdown h3, .markdown h4, .markdown h5, .markdown h6 { font-weight: 650; line-height: 1.3; margin: 1.375em 0 .5em; letter-spacing: -.01em; }
.markdown h3 { font-size: 1.25em; } .markdown h4 { font-size: 1.125em; } .markdown h5, .markdown h6 { font-size: 1em; }
.markdown > :first-child { margin-top: 0; }
.markdown ul, .markdown ol { padding-inline-start: 1.625em; }
.markdown li { margin: .25em 0; }
.markdown li > ul, .markdown li > ol { margin: .25em 0 0; }
.markdown li::marker { color: var(--muted); }
.markdown a, .sources a { color: var(--accent-text); text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
.deeplink { display: inline; padding: 0; border: 0; background: none; color: var(--accent-text); text-align: start; text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
.markdown a:hover, .sources a:hover { text-decoration-thickness: 2px; }
.markdown blockquote { margin-inline: 0; padding-inline-start: 1em; border-inline-start: 3px solid var(--line); color: var(--muted); }
.markdown hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
code { font-family: var(--mono); font-size: .875em; }
:not(pre) > code { padding: .125em .375em; border-radius: 6px; background: var(--bubble); overflow-wrap: anywhere; }
.code { border: 1px solid var(--line); border-radius: min(12px, var(--radius)); background: var(--soft); overflow: hidden; }
.code-bar { display: flex; align-items: center; justify-content: space-between; padding: .25rem .375rem .25rem 1rem; color: var(--muted); font-size: .8125rem; }
.code pre { margin: 0; padding: .25rem 1rem 1rem; overflow-x: auto; line-height: 1.55; }
.code pre:focus-visible, .table:focus-visible { outline-offset: -2px; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9375em; }
th, td { padding: .5em .875em; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th:first-child, td:first-child { padding-inline-start: 0; }
th { font-weight: 600; }
.sources { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0 0; padding: 0; list-style: none; font-size: .875rem; }
.sources:empty { display: none; }
.foot { display: flex; height: 1.75rem; margin: .25rem 0 -1.25rem -.4375rem; opacity: 0; transition: opacity .15s; }
.message:hover > .foot, .foot:focus-within { opacity: 1; }
.assistant[data-busy] > .foot { visibility: hidden; }
.foot:has(.versions), .lone { opacity: 1; }
.foot { align-items: center; }
.user > .foot { justify-content: flex-end; margin: .25rem -.4375rem -1.25rem 0; }
.lone { margin-top: calc(.25rem - var(--gap)); }
.log:not([data-branches]) .pen, .log:not([data-feedback]) .foot > [data-kind], .log:not([data-retry]) .foot > [aria-label="Answer again"] { display: none; }
.log[data-running] .pen, .log[data-running] .versions .quiet, .log[data-running] [aria-label="Answer again"] { visibility: hidden; }
.versions { display: inline-flex; align-items: center; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.versions .quiet { width: 1.5rem; }
.versions .quiet[data-end] { visibility: hidden; }
.edit { display: grid; gap: .5rem; width: min(36rem, 100%); margin-inline-start: auto; padding: .625rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--bubble); }
.edit:focus-within { border-color: var(--accent-text); }
.edit textarea { width: 100%; min-width: min(24rem, 70vw); }
.choices { display: flex; justify-content: flex-end; gap: .5rem; }
.action.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.action.primary:disabled { background: var(--line); color: var(--muted); }
@media (hover: none) { .foot { opacity: 1; } }
.quiet { display: inline-grid; place-items: center; width: 1.75rem; height: 1.75rem; padding: 0; border: 0; border-radius: 8px; background: none; color: var(--muted); font-size: .875rem; }
.quiet[aria-pressed=true] { color: var(--fg); }
.quiet[aria-pressed=true] path { fill: currentColor; }
.foot:has([aria-pressed=true]) { opacity: 1; }
.quiet:hover { background: var(--bubble); color: var(--fg); }

.badge { display: inline-flex; align-items: center; gap: .5rem; max-width: 100%; min-height: 2rem; padding: .1875rem .8125rem .1875rem .5625rem; border: 1px solid var(--line); border-radius: 99px; background: var(--soft); font-size: .875rem; line-height: 1.5; }
.badge .name { font-family: var(--mono); font-size: .8125rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge .check { color: var(--accent-text); } .badge .cross { color: var(--danger); } .badge .dash { color: var(--muted); }
.badge.failure { border-color: var(--danger-line); background: var(--danger-soft); }
.badge .check, .badge .cross, .badge .dash { stroke-width: 2.5; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary .chevron { width: .875em; height: .875em; color: var(--muted); transition: transform .15s; }
details[open] > summary > .chevron { transform: rotate(90deg); }
summary.badge { padding-inline-end: .5625rem; }
summary.badge:hover { border-color: var(--muted); }
.detail { margin: .5rem 0 0; padding: .625rem 1rem; border-inline-start: 2px solid var(--line); color: var(--muted); font-size: .9375rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.spinner { width: .875rem; height: .875rem; margin: .125rem; flex: none; border: 2px solid var(--line); border-top-color: var(--accent-text); border-radius: 50%; animation: turn .8s linear infinite; }
.workflow > summary { display: inline-flex; align-items: center; gap: .375rem; border-radius: 8px; color: var(--muted); font-size: .9375rem; }
.workflow > summary:hover { color: var(--fg); }
.workflow > ul { display: grid; justify-items: start; gap: .5rem; margin: .625rem 0 0; padding: 0; list-style: none; }
.workflow li { min-width: 0; max-width: 100%; }

.note { display: flex; align-items: flex-start; gap: .75rem; padding: .8125rem 1rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--soft); font-size: .9375rem; overflow-wrap: anywhere; }
.note > .icon { margin-top: .375rem; }
.note .text { flex: 1; min-width: 0; padding-block: .1875rem; }
.note strong { display: block; }
.note.danger { border-color: var(--danger-line); background: var(--danger-soft); } .note.danger > .icon { color: var(--danger); }
.note.warning { background: var(--warning-soft); } .note.warning > .icon { color: var(--warning); }
.widget-card, .widget-list { display: flex; flex-direction: column; gap: .5rem; max-width: 32rem; padding: .875rem 1rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--soft); color: var(--fg); overflow: hidden; overflow-wrap: anywhere; }
.widget-card[data-size=sm] { max-width: 24rem; } .widget-card[data-size=lg] { max-width: 40rem; } .widget-card[data-size=full] { max-width: none; }
.widget-row { display: flex; align-items: center; gap: .5rem; min-width: 0; } .widget-col { display: flex; flex-direction: column; gap: .5rem; min-width: 0; }
.widget-row > *, .widget-col > * { min-width: 0; max-width: 100%; }
.widget-card > .label, .widget-col > .label, .widget-card > .action:not(.block), .widget-col > .action:not(.block) { align-self: flex-start; }
.widget[data-loading] > * { opacity: .6; }
.widget-status { display: flex; align-items: center; gap: .375rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line); color: var(--muted); font-size: .8125rem; }
.widget-folded > summary { display: flex; align-items: center; gap: .375rem; } .widget-folded > .widget-col { margin-top: .5rem; }
.answers { display: flex; flex-wrap: wrap; gap: .5rem; margin-block-start: .25rem; }
.widget-rows { display: flex; flex-direction: column; margin: 0; padding: 0; list-style: none; }
.widget-rows > li { position: relative; display: flex; align-items: center; gap: .5rem; padding: .5rem .25rem; }
.widget-rows > li + li { border-top: 1px solid var(--line); }
.cover { position: absolute; inset: 0; padding: 0; border: 0; border-radius: 8px; background: none; } .cover:hover:not(:disabled) { background: color-mix(in srgb, var(--fg) 5%, transparent); }
.widget-rows > li > :not(.cover) { position: relative; pointer-events: none; min-width: 0; } .widget-rows .action, .widget-rows .field, .widget-rows a { pointer-events: auto; }
.widget-list > .action { align-self: flex-start; }
.widget-text { margin: 0; font-size: 1rem; font-weight: 400; line-height: 1.5; white-space: pre-wrap; }
.widget-text[data-kind=title] { font-size: 1.125rem; font-weight: 620; line-height: 1.3; } .widget-text[data-kind=caption] { color: var(--muted); font-size: .8125rem; }
.widget-text[data-kind=text][data-size=xs] { font-size: .75rem; } .widget-text[data-kind=text][data-size=sm] { font-size: .875rem; } .widget-text[data-kind=text][data-size=lg] { font-size: 1.125rem; } .widget-text[data-kind=text][data-size=xl] { font-size: 1.25rem; }
.widget-text[data-kind=title][data-size=sm] { font-size: 1rem; } .widget-text[data-kind=title][data-size=lg] { font-size: 1.25rem; } .widget-text[data-kind=title][data-size=xl] { font-size: 1.5rem; } .widget-text[data-kind=title][data-size="2xl"] { font-size: 1.75rem; } .widget-text[data-kind=title][data-size="3xl"] { font-size: 2rem; } .widget-text[data-kind=title][data-size="4xl"] { font-size: 2.25rem; } .widget-text[data-kind=title][data-size="5xl"] { font-size: 2.75rem; }
.widget-text[data-kind=caption][data-size=sm] { font-size: .75rem; } .widget-text[data-kind=caption][data-size=lg] { font-size: .875rem; }
.widget-text[data-weight=normal] { font-weight: 400; } .widget-text[data-weight=medium] { font-weight: 500; } .widget-text[data-weight=semibold] { font-weight: 620; } .widget-text[data-weight=bold] { font-weight: 700; }
.widget-text[data-align=center] { text-align: center; } .widget-text[data-align=end] { text-align: end; } .widget-text[data-align=start] { text-align: start; }
.italic { font-style: italic; } .struck { text-decoration: line-through; } .truncated { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.clamped { display: -webkit-box; -webkit-box-orient: vertical; overflow: hidden; white-space: normal; }
.widget-icon { display: inline-flex; } .widget-icon[data-size=xs] { font-size: .75rem; } .widget-icon[data-size=sm] { font-size: .875rem; } .widget-icon[data-size=lg] { font-size: 1.25rem; } .widget-icon[data-size=xl] { font-size: 1.5rem; } .widget-icon[data-size="2xl"] { font-size: 2rem; } .widget-icon[data-size="3xl"] { font-size: 2.5rem; }
.widget-divider { width: 100%; margin: .25rem 0; border: 0; border-top: 1px solid var(--line); } .widget-card > .widget-divider.flush { width: calc(100% + 2rem); margin-inline: -1rem; max-width: none; }
.widget-spacer { flex: 1; }
.label, .tinted { --tone: var(--fg); } [data-color=secondary] { --tone: var(--muted); } [data-color=success] { --tone: light-dark(#0b6b2e, #5fe08a); } [data-color=danger] { --tone: var(--danger); } [data-color=warning], [data-color=caution] { --tone: var(--warning); } [data-color=info] { --tone: light-dark(#1d4f9e, #8ab8ff); } [data-color=discovery] { --tone: light-dark(#6b21a8, #d0a6ff); }
.label { display: inline-flex; align-items: center; gap: .25rem; padding: .0625rem .5rem; border: 1px solid transparent; border-radius: 99px; background: color-mix(in srgb, var(--tone) 12%, var(--bg)); color: var(--tone); font-size: .8125rem; font-weight: 550; }
.label[data-variant=solid] { background: var(--tone); color: var(--bg); } .label[data-variant=outline] { border-color: currentColor; background: none; }
.label.square { border-radius: 6px; } .label[data-size=sm] { font-size: .75rem; padding-inline: .375rem; } .label[data-size=lg] { font-size: .9375rem; padding: .125rem .625rem; }
.field { max-width: 100%; padding: .375rem .75rem; border: 1px solid color-mix(in srgb, var(--fg) 45%, var(--bg)); border-radius: min(10px, var(--radius)); background: var(--bg); color: var(--fg); font: inherit; font-size: .9375rem; }
textarea.field { flex: none; width: 100%; max-height: none; resize: vertical; field-sizing: fixed; } textarea.field.growing { field-sizing: content; resize: none; }
textarea.field:focus-visible, .field:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 1px; }
.field[data-variant=soft] { background: var(--bubble); } .field.pill { border-radius: 99px; } .field.block { width: 100%; } .field::placeholder { color: var(--muted); opacity: 1; }
.field[data-size="3xs"], .field[data-size="2xs"], .field[data-size=xs], .field[data-size=sm] { padding: .125rem .5rem; font-size: .8125rem; } .field[data-size=lg], .field[data-size=xl] { padding: .5rem .875rem; } .field[data-size="2xl"], .field[data-size="3xl"] { padding: .625rem 1rem; font-size: 1.0625rem; }
.field[type=checkbox], .field[type=radio] { flex: none; width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--accent-text); }
.question { display: grid; gap: .5rem; margin: 0 0 .5rem; padding: 0; border: 0; min-width: 0; } .question legend { padding: 0; margin-bottom: .5rem; font-weight: 550; }
.question > .choice { gap: .75rem; flex-wrap: wrap; } .question > .choice > .field { flex: 1; min-width: 10rem; } .question .aside { display: block; }
dl.widget-card { margin: 0; } dl.widget-card dt { color: var(--muted); font-size: .875rem; } dl.widget-card dd { margin: -.375rem 0 .25rem; white-space: pre-wrap; }
.choice { display: flex; align-items: center; gap: .5rem; }
th[data-align=center], td[data-align=center] { text-align: center; } th[data-align=end], td[data-align=end] { text-align: end; } td[data-valign=center] { vertical-align: middle; } td[data-valign=end] { vertical-align: bottom; }
.aside { display: flex; align-items: center; flex-wrap: wrap; gap: .75rem; margin: 0; color: var(--muted); font-size: .875rem; }
.action { flex: none; padding: .25rem .875rem; border: 1px solid var(--line); border-radius: min(99px, var(--radius)); background: var(--bg); color: var(--fg); font-size: .875rem; font-weight: 550; }
.action:hover { border-color: var(--muted); }
.action.main { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.action:disabled { opacity: .5; }
.widget .action { display: inline-flex; align-items: center; justify-content: center; gap: .375em; max-width: 100%; padding: .25em .875em; }
.action.pill { border-radius: 99px; } .action.square { border-radius: min(8px, var(--radius)); } .action.block { width: 100%; } .widget .action.uniform { padding: .375em; aspect-ratio: 1; }
.action[data-size="3xs"] { font-size: .625rem; } .action[data-size="2xs"] { font-size: .6875rem; } .action[data-size=xs] { font-size: .75rem; } .action[data-size=sm] { font-size: .8125rem; } .action[data-size=lg] { font-size: .9375rem; } .action[data-size=xl] { font-size: 1rem; } .action[data-size="2xl"] { font-size: 1.125rem; } .action[data-size="3xl"] { font-size: 1.25rem; }
.action[data-icons=sm] .icon { font-size: .875rem; } .action[data-icons=md] .icon { font-size: 1rem; } .action[data-icons=lg] .icon { font-size: 1.25rem; } .action[data-icons=xl] .icon { font-size: 1.5rem; } .action[data-icons="2xl"] .icon { font-size: 1.75rem; }
.action.tinted { border-color: transparent; background: var(--tone); color: var(--bg); }
.action.tinted[data-variant=soft] { background: color-mix(in srgb, var(--tone) 12%, var(--bg)); color: var(--tone); } .action.tinted[data-variant=outline] { border-color: currentColor; background: var(--bg); color: var(--tone); } .action.tinted[data-variant=ghost] { background: none; color: var(--tone); }

.status { display: flex; align-items: center; gap: .5rem; min-height: 1.6em; color: var(--muted); font-size: .9375rem; }
.log:not(:empty) + .status:not(:empty) { margin-top: var(--gap); }
.log:not(:empty) + .status:empty { min-height: 0; }
.dots { display: inline-flex; gap: .25rem; }
.dots i { width: .375rem; height: .375rem; border-radius: 50%; background: var(--accent-text); animation: pulse 1.2s ease-in-out infinite; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
@keyframes pulse { 0%, 70%, 100% { opacity: .25; transform: none; } 35% { opacity: 1; transform: translateY(-2px); } }
@keyframes turn { to { transform: rotate(1turn); } }

.start { flex: 1; display: flex; flex-direction: column; justify-content: center; width: 100%; max-width: 48rem; margin: 0 auto; padding: 2rem 1.5rem 0; }
.start:not([hidden]) + .column { display: none; }
.start h2 { margin: 0 0 1.75rem; font-size: clamp(1.5rem, 1.1rem + 1.8vw, 2.125rem); font-weight: 620; line-height: 1.2; letter-spacing: -.025em; text-wrap: balance; }
.prompts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.prompts button { width: 100%; height: 100%; padding: .875rem 1.125rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--bg); text-align: start; font-size: .9375rem; line-height: 1.45; transition: border-color .15s, background .15s; }
.prompts .icon { margin-inline-end: .625rem; color: var(--muted); vertical-align: -.1875em; }
.prompts button:hover { border-color: var(--accent-text); background: var(--soft); }

.latest { position: absolute; inset-inline-end: 50%; bottom: 7rem; transform: translateX(50%); display: grid; place-items: center; width: 2.25rem; height: 2.25rem; padding: 0; border: 1px solid var(--line); border-radius: 50%; background: var(--bg); box-shadow: var(--shadow); visibility: hidden; opacity: 0; transition: opacity .15s; }
.latest[data-shown] { visibility: visible; opacity: 1; }

.composer { width: 100%; max-width: 48rem; margin: 0 auto; padding: .25rem 1.5rem 1.25rem; }
.box { display: flex; align-items: flex-end; gap: .5rem; padding: .5rem; border: 1px solid var(--line); border-radius: calc(var(--radius) + 4px); background: var(--bg); box-shadow: var(--shadow); transition: border-color .15s; }
.frame[data-scheme=dark] .box { background: var(--soft); }
.box:focus-within { border-color: var(--accent-text); box-shadow: var(--shadow), 0 0 0 3px color-mix(in srgb, var(--accent-text) 14%, transparent); }
textarea { flex: 1; min-width: 0; max-height: min(40vh, 16rem); padding: .375rem .75rem; border: 0; outline: 0; background: none; resize: none; field-sizing: content; line-height: 1.5; overflow-y: auto; }
textarea:focus-visible { outline: 0; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.send { display: grid; place-items: center; flex: none; width: 2.25rem; height: 2.25rem; padding: 0; border: 0; border-radius: min(50%, var(--radius)); background: var(--accent); color: var(--on-accent); transition: background .15s, transform .1s; }
.frame[data-radius=sharp] .send { border-radius: 0; }
.send:active:not(:disabled) { transform: scale(.94); }
.send:disabled { background: var(--bubble); color: var(--muted); }
.send .stop { fill: currentColor; }
.tray { display: flex; align-items: center; flex-wrap: wrap; gap: .25rem; flex: 1; min-width: 0; }
.box:has(> .tray:not([hidden])) { flex-wrap: wrap; }
.box:has(> .tray:not([hidden])) textarea { flex-basis: 100%; }
.tool-picker, .tools { display: contents; }
.menu-place { position: relative; }
.pick { display: inline-flex; align-items: center; gap: .375rem; max-width: 12rem; min-height: 2.25rem; padding: .25rem .625rem; border: 1px solid transparent; border-radius: min(99px, var(--radius)); background: none; color: var(--muted); font-size: .875rem; }
.pick > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pick:hover, .pick[aria-expanded=true] { background: var(--bubble); color: var(--fg); }
.pick[aria-pressed=true] { border-color: var(--accent-text); color: var(--accent-text); }
.pick > .chevron { width: .875em; height: .875em; transform: rotate(90deg); }
.pick > .cross { width: .875em; height: .875em; }
.menu-list { position: absolute; inset-inline-start: 0; bottom: calc(100% + .5rem); z-index: 2; display: grid; min-width: 12rem; max-width: min(20rem, 80vw); max-height: 18rem; overflow-y: auto; padding: .25rem; border: 1px solid var(--line); border-radius: min(14px, var(--radius)); background: var(--bg); box-shadow: var(--shadow); }
.tray > .menu-place { margin-inline-start: auto; }
.tray > .menu-place > .menu-list { inset-inline: auto 0; }
.menu-item { display: flex; align-items: center; gap: .625rem; width: 100%; padding: .5rem .625rem; border: 0; border-radius: min(10px, var(--radius)); background: none; text-align: start; font-size: .9375rem; }
.menu-item:hover, .menu-item:focus-visible { background: var(--bubble); outline-offset: -2px; }
.menu-item > span { flex: 1; min-width: 0; }
.menu-item small { display: block; color: var(--muted); font-size: .8125rem; }
.menu-item > .check { color: var(--accent-text); }
.menu-item[aria-checked=false] > .check { visibility: hidden; }
.menu-item[aria-disabled=true] { color: var(--muted); cursor: default; opacity: .6; }
.quote { display: flex; align-items: flex-start; gap: .5rem; flex-basis: 100%; padding: .25rem 0 0 .625rem; }
.box:has(> .quote:not([hidden])) { flex-wrap: wrap; }
.quote blockquote { flex: 1; min-width: 0; max-height: 4.8em; margin: 0; overflow-y: auto; padding-inline-start: .75rem; border-inline-start: 2px solid var(--line); color: var(--muted); font-size: .9375rem; overflow-wrap: anywhere; }
.attach { width: 2.25rem; height: 2.25rem; border-radius: 50%; font-size: 1rem; }
.attached { margin-bottom: .5rem; } .refused { margin: 0 0 .5rem; color: var(--danger); font-size: .875rem; } .refused:empty { display: none; }
.files { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; padding: 0; list-style: none; } .bubble .files { margin-bottom: .375rem; }
.file { display: inline-flex; align-items: center; gap: .5rem; max-width: 100%; min-height: 2.5rem; padding: .25rem .375rem .25rem .75rem; border: 1px solid var(--line); border-radius: min(12px, var(--radius)); background: var(--bg); color: var(--fg); font-size: .875rem; }
.bubble .file { padding-inline-end: .75rem; } .file .name { min-width: 0; max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.file img { width: 2rem; height: 2rem; margin-inline-start: -.375rem; border-radius: 6px; object-fit: cover; } .file progress { width: 4rem; height: .375rem; accent-color: var(--accent-text); }
.file[data-state=failed] { border-color: var(--danger-line); background: var(--danger-soft); } .file .state { color: var(--danger); } .file .state:empty { display: none; }
.picture a { display: block; } .picture img { display: block; max-width: min(100%, 18rem); max-height: 14rem; border-radius: min(12px, var(--radius)); }
.counter { align-self: center; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.counter[data-over] { color: var(--danger); font-weight: 600; }
.locked { margin: 0 0 .625rem; color: var(--muted); font-size: .9375rem; text-align: center; }
.disclaimer { max-width: 48rem; margin: -.625rem auto .75rem; padding: 0 1.5rem; color: var(--muted); font-size: .8125rem; text-align: center; }
.disclaimer[data-contrast] { color: var(--fg); }
.disclaimer:empty { display: none; }

@media (max-width: 40rem) {
  .column, .start { padding-inline: 1rem; }
  .column { padding-top: 1.25rem; }
  .composer { padding: .25rem .75rem max(.75rem, env(safe-area-inset-bottom)); }
  .scroller { scrollbar-gutter: auto; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
  .dots i { opacity: .7; }
  .spinner { border-style: dotted; border-color: var(--accent-text); }
}
@media (forced-colors: active) {
  .badge, .send, .box { border: 1px solid; }
}
`;

/** @type {CSSStyleSheet | undefined} */
export let shared;

export function sheet() {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(STYLES);
  }
  return shared;
}
