import { check, type Problem } from '../engine'
import { read } from './answers'
import { byId, definition, element, questions, say } from './page'

export const summary = byId('problems')

// tell says beside every wrong answer what is wrong, and above the questions
// which ones they are.
function tell(problems: Problem[]): void {
  summary.textContent = ''
  summary.hidden = !problems[0]
  element('h2', say('errors', { n: problems.length }), summary)
  questions.forEach((q) => {
    const p = problems.filter((p) => p.path == q.id)[0]
    q.box.classList.toggle('bad', !!p)
    q.control.setAttribute('aria-invalid', !!p + '')
    q.error.textContent = p ? say(p.code, p.args) : ''
    if (p) {
      const link = element('a', q.title, summary) as HTMLAnchorElement
      link.href = '#q-' + q.id
      link.onclick = () => setTimeout(() => q.inputs[0]!.focus())
    }
  })
}

// lead brings the reader to the summary.
export function lead(): void {
  summary.focus()
  summary.scrollIntoView()
}

// judge checks all answers and returns whether they are right. When some are
// not, it tells and leads there.
export function judge(): boolean {
  const problems = check(definition, read()).filter((p) => p.code != 'not_asked') // hidden answers are not sent
  tell(problems)
  if (problems[0]) lead()
  return !problems[0]
}

// ease takes back what has been put right since, and adds nothing.
export function ease(): void {
  if (!summary.hidden) tell(check(definition, read()).filter((p) => byId('e-' + p.path).textContent))
}
