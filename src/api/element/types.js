// @ts-check
/** Types that several parts share. */

/** @typedef {{ url: string, fetch?: (url: string, init: RequestInit) => Promise<Response>, uploadStrategy?: { type: string, uploadUrl?: string } }} Api */
/** @typedef {{ type: string, text?: string, [field: string]: any }} ContentPart */
/** @typedef {{ type: string, title?: string, content?: string, icon?: string, status_indicator?: string, [field: string]: any }} Task */
/** @typedef {{ message_id: string, number: number, count: number, previous_id?: string, next_id?: string }} Siblings */
/** @typedef {{ id: string, type: string, content?: ContentPart[], task?: Task, workflow?: any, siblings?: Siblings, [field: string]: any }} Item */
/** @typedef {{ data: Item[], has_more: boolean, after: string | null, runId: string | null, branchId: string | null, isStale: boolean }} ItemPage */
/** @typedef {{ id: string, title?: string | null, created_at?: string, status?: { type: string, reason?: string } }} Thread */
/** @typedef {{ data: Thread[], has_more: boolean, after: string | null }} ThreadPage */
/** @typedef {{ type: string, params: object, metadata?: object }} Operation */
/** @typedef {{ type: string, [field: string]: any }} WireEvent */
/** @typedef {{ id: string, data: string } | { comment: string }} Frame */
/** @typedef {{ lost: () => void, opened: () => void, log: (name: string, data: object) => void }} StreamListener */
/** @typedef {{ label: string, run: () => void }} Action */
/** @typedef {{ edit: (item: Item, text: string) => void, retry: (itemId: string) => void, show: (messageId: string) => void, log: (name: string, data: object) => void }} BranchActions */

export {};
