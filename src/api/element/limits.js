// @ts-check
/** Limits and durations. */

/** Durations in seconds; tests and unusual networks may change them. */
export const timings = {
  readyHold: 0.25,
  silence: 25,
  firstRetry: 0.3,
  longestRetry: 5,
  refreshOnFocus: 5,
  /** Between two drawings of a growing reply: what a browser does for each costs more than the text. */
  drawPause: 0.1,
  clientTool: 120,
};

export const SEND_ATTEMPTS = 4;
export const RESUME_ATTEMPTS = 12;
export const ITEMS_PER_PAGE = 30;
export const THREADS_PER_PAGE = 30;
export const MAX_TITLE_CHARACTERS = 200;
export const MAX_MESSAGE_CHARACTERS = 32_000;
export const COUNTER_FROM_CHARACTERS = 30_000;
export const STICK_TO_BOTTOM_PIXELS = 80;
export const LOAD_OLDER_PIXELS = 600;
export const LOAD_MORE_PIXELS = 300;
export const SLOW_DRAW_MILLISECONDS = 10;
export const ACCENT = '#0FFF50';
export const ACCENT_TEXT_ON_LIGHT = '#067a2c';
export const TEXT_ON_ACCENT = '#03210b';
export const MINIMUM_CONTRAST = 4.5;
