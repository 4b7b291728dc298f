import { tidy, walk } from './show'
import { Answers, Definition, Problem, Question } from './types'

const longestText = 2000 // of a text whose question sets no max

type Verdict = [code: string, args?: { [name: string]: number }] | undefined

// check returns what is wrong with the answers: one problem for each wrong
// answer, all at once, in the order of the questions; answers to questions that
// do not exist come last.
export function check(d: Definition, a: Answers): Problem[] {
  const wrong: Problem[] = []
  const known: string[] = []
  const say = (path: string, verdict: Verdict): void => {
    if (verdict) wrong.push(verdict[1] ? { path, code: verdict[0], args: verdict[1] } : { path, code: verdict[0] })
  }
  walk(d, a, (q, shown, v) => {
    known.push(q.id)
    if (v === undefined) say(q.id, shown && q.required ? ['required'] : undefined)
    else say(q.id, shown ? judge(q, v) : ['not_asked'])
  })
  Object.keys(a)
    .sort()
    .forEach((id) => {
      if (known.indexOf(id) < 0 && tidy(a[id]) !== undefined) say(id, ['unknown_question'])
    })
  return wrong
}

// judge returns the first thing wrong with the answer v to a question.
function judge(q: Question, v: unknown): Verdict {
  const type = q.type
  if (typeof v == 'string') {
    if (type == 'single' || type == 'scale') return option(q, v) ? undefined : ['unknown_option']
    const max = q.max == null ? longestText : q.max
    if (type == 'text') return [...v].length > max ? ['too_long', { max }] : undefined
  }
  if (type == 'multiple' && Array.isArray(v)) return judgeMultiple(q, v)
  if (type == 'number' && typeof v == 'number') {
    const min = q.min == null ? v : q.min
    const max = q.max == null ? v : q.max
    if (q.integer && v % 1) return ['not_integer']
    return v < min || v > max ? ['out_of_range', { min, max }] : undefined
  }
  return ['wrong_type']
}

function judgeMultiple(q: Question, codes: string[]): Verdict {
  const n = codes.length
  let exclusive: boolean | undefined
  for (let i = 0; i < n; i++) {
    const o = option(q, codes[i]!)
    if (!o) return ['unknown_option']
    if (codes.indexOf(o.code) < i) return ['duplicate_option']
    exclusive = exclusive || o.exclusive
  }
  // "None of these" is a whole answer, however many are asked for.
  if (exclusive) return n > 1 ? ['exclusive'] : undefined
  if (q.min != null && n < q.min) return ['too_few', { min: q.min }]
  if (q.max != null && n > q.max) return ['too_many', { max: q.max }]
  return undefined
}

function option(q: Question, code: string) {
  return (q.options || []).filter((o) => o.code == code)[0]
}
