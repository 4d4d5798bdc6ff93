// @ts-check
/** Badges of tool calls, and steps of a workflow. */

import { inWords } from './connection.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { mark } from './widget-style.js';
/** @import { View } from './messages.js' */
/** @import { Item, Task, WireEvent } from './types.js' */

/** @implements {View} */
export class TaskView {
  element = h('div', { class: 'message task' });
  /** @type {Task} */
  #task = { type: 'custom' };
  #isRunning = true;

  /** @param {Item} item */
  update(item) {
    this.#task = item.task ?? { type: 'custom' };
    this.#draw();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    if (this.#isRunning === isRunning) return;
    this.#isRunning = isRunning;
    if (this.#task.status_indicator === 'loading') this.#draw();
  }

  isBusy() {
    return this.#isRunning && this.#task.status_indicator === 'loading';
  }

  #draw() {
    drawBadge(this.element, this.#task, this.#isRunning);
  }
}

/** @implements {View} */
export class WorkflowView {
  element = h('details', { class: 'message workflow' });
  #summary = h('summary');
  #list = h('ul');
  /** @type {any} */
  #workflow = { tasks: [] };
  #isRunning = true;
  #isDone = false;

  constructor() {
    this.element.append(this.#summary, this.#list);
  }

  /** @param {Item} item */
  update(item) {
    this.#workflow = { tasks: [], ...item.workflow };
    this.#isDone = Boolean(this.#workflow.summary);
    /** @type {HTMLDetailsElement} */ (this.element).open = this.#workflow.expanded || !this.#isDone;
    this.#draw();
  }

  /** @param {WireEvent} update */
  change(update) {
    if (!update.type.startsWith('workflow.task.')) return;
    this.#workflow.tasks[update.task_index] = update.task;
    this.#draw();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    if (this.#isRunning === isRunning) return;
    this.#isRunning = isRunning;
    this.#draw();
  }

  isBusy() {
    const tasks = /** @type {Task[]} */ (this.#workflow.tasks);
    return this.#isRunning && tasks.some((task) => task?.status_indicator === 'loading');
  }

  #draw() {
    const { summary, tasks, type } = this.#workflow;
    const working = type === 'reasoning' ? 'Reasoning' : 'Steps';
    const took = summary?.duration !== undefined ? `Worked for ${inWords(summary.duration)}` : working;
    this.#summary.replaceChildren(icon('chevron'), summary?.title ?? took);
    const shown = /** @type {Task[]} */ (tasks).filter(Boolean);
    while (this.#list.children.length > shown.length) this.#list.lastChild?.remove();
    shown.forEach((task, index) => {
      if (!this.#list.children[index]) this.#list.append(h('li'));
      drawBadge(/** @type {HTMLElement} */ (this.#list.children[index]), task, this.#isRunning);
    });
  }
}

const FAILURE_ICON = /^(lucide:)?(circle-x|octagon-x|circle-alert|triangle-alert|ban|x)$/;

/**
 * @param {Task} task
 * @param {boolean} isRunning
 * @returns {{ state: string, said: string }}
 */
function outcomeOf(task, isRunning) {
  if (FAILURE_ICON.test(task.icon ?? '')) return { state: 'failure', said: 'failed' };
  if (task.status_indicator === 'complete') return { state: 'success', said: 'succeeded' };
  if (task.status_indicator !== 'loading') return { state: 'neutral', said: '' };
  return isRunning ? { state: 'running', said: 'running' } : { state: 'neutral', said: 'no result' };
}

const OUTCOME_ICONS = { success: 'check', failure: 'cross', neutral: 'dash' };
/** @type {Record<string, string>} */
const TASK_TITLES = { web_search: 'Search', thought: 'Thought', file: 'Files', image: 'Image', custom: 'Step' };

/**
 * A pill with the tool's name and outcome; with content it opens.
 * @param {HTMLElement} place
 * @param {Task} task
 * @param {boolean} isRunning
 */
function drawBadge(place, task, isRunning) {
  const { state, said } = outcomeOf(task, isRunning);
  const title = task.title || TASK_TITLES[task.type] || 'Step';
  const mark = state === 'running' ? h('span', { class: 'spinner' }) : icon(OUTCOME_ICONS[/** @type {'success'} */ (state)]);
  const label = [mark, h('span', { class: 'name' }, title), h('span', { class: 'unseen' }, said ? `: ${said}` : '')];
  const content = taskContent(task);
  const isOpen = place.querySelector('details')?.open ?? state === 'failure';
  if (!content) {
    place.replaceChildren(h('span', { class: `badge ${state}` }, ...label));
    return;
  }
  const summary = h('summary', { class: `badge ${state}` }, ...label, icon('chevron'));
  place.replaceChildren(h('details', { open: isOpen }, summary, h('div', { class: 'detail' }, content)));
}

/** @param {Task} task */
function taskContent(task) {
  const sources = (task.sources ?? []).map((/** @type {any} */ source) => source.filename ?? source.title ?? source.url);
  return [task.content, ...(task.queries ?? []), ...sources].filter(Boolean).join('\n');
}
