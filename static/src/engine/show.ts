import { Answers, Cond, Definition, Question } from './types'

// Control characters except tab and line feed, invisible direction marks, the
// byte order mark: what nobody types on purpose.
const dropped = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

// tidy returns an answer in its stored shape: undefined when unanswered,
// otherwise a string, a list of strings, a number, or true in place of any
// shape that no question takes.
export function tidy(v: unknown): unknown {
  if (typeof v == 'string') return v.replace(dropped, '').trim() || undefined
  if (Array.isArray(v)) {
    if (!v.length) return undefined
    return v.every((code) => typeof code == 'string') ? v : true
  }
  if (typeof v == 'number' && isFinite(v)) return v
  return v == null ? undefined : true
}

function holds(c: Cond, a: Answers): boolean {
  if (c.all) return c.all.every((c) => holds(c, a))
  if (c.any) return c.any.some((c) => holds(c, a))
  if (c.not) return !holds(c.not, a)
  const v = a[c.q!]
  const among = c.in
  const n = typeof v == 'number' ? v : NaN
  return (
    (c.answered == null || c.answered == (v !== undefined)) &&
    (!among || (Array.isArray(v) ? v : [v]).some((code) => among.indexOf(code) >= 0)) &&
    (c.gte == null || n >= c.gte) &&
    (c.lte == null || n <= c.lte)
  )
}

// walk visits the questions in order and says of each whether it is shown.
// One pass is enough because a condition looks only at earlier questions; an
// answer to a hidden question is as good as absent.
export function walk(d: Definition, a: Answers, visit: (q: Question, shown: boolean, v: unknown) => void): void {
  const live: Answers = {}
  d.questions.forEach((q) => {
    const v = tidy(a[q.id])
    const shown = !q.show_if || holds(q.show_if, live)
    if (shown) live[q.id] = v
    visit(q, shown, v)
  })
}

// visible returns the ids of the questions that are asked of someone with the
// answers a, in order.
export function visible(d: Definition, a: Answers): string[] {
  const ids: string[] = []
  walk(d, a, (q, shown) => {
    if (shown) ids.push(q.id)
  })
  return ids
}
