import type { Answers } from '../engine'
import { code } from './page'

// Draft is what the phone keeps until the receipt is there: with the id and the
// ticket, so that whatever is sent from it, and however often, is one response.
export interface Draft {
  id: string
  ticket: string
  started: string
  answers: Answers
  order: Answers // of the options, by question
  sent?: string // the body that is on its way; it does not change any more
}

const key = 'chengyin:' + code

// A half-filled page that is older than a day was left by somebody else.
const patience = 864e5

// load returns the kept draft, if any. Storage may be missing, full, or refuse,
// in a private window for example; and anything may stand in it.
export function load(): Draft | undefined {
  try {
    const d: Draft = JSON.parse(localStorage.getItem(key)!)
    if (d.answers && (d.sent || Date.now() - Date.parse(d.started) < patience)) return d
  } catch (e) {
    // as if nothing were kept
  }
  return undefined
}

// device returns this phone's token: chance, kept here for nothing but telling
// answers that one phone sends again and again. None where nothing can be kept.
export function device(): string {
  try {
    const s = localStorage
    return s.chengyin || (s.chengyin = Math.random() + '')
  } catch (e) {
    return ''
  }
}

// save keeps the draft, or with none drops it. It returns whether that worked.
export function save(d?: Draft): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(d || 0))
    return true
  } catch (e) {
    return false
  }
}
