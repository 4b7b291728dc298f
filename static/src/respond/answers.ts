import { type Answers, visible } from '../engine'
import { type Asked, byId, definition, questions, say } from './page'

const typed = (i: HTMLInputElement): boolean => /text/.test(i.type)

// read returns what is filled in, including answers to hidden questions.
export function read(): Answers {
  const a: Answers = {}
  questions.forEach((q) => {
    const values = q.inputs.filter((i) => i.checked || typed(i)).map((i) => i.value.trim())
    const number = (values[0] || '').normalize('NFKC') // a Chinese keyboard may give １２ for 12
    a[q.id] = q.type == 'multiple' ? values : q.type == 'number' && /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(number) ? +number : values[0]
  })
  return a
}

// asked returns what is filled in for the questions that are asked.
export function asked(): Answers {
  const all = read()
  const a: Answers = {}
  visible(definition, all).forEach((id) => (a[id] = all[id]))
  return a
}

// write fills in answers.
export function write(a: Answers): void {
  questions.forEach((q) =>
    q.inputs.forEach((i) => {
      const v = [a[q.id]]
      if (typed(i)) i.value = v.join()
      else i.checked = ([] as unknown[]).concat(...v).indexOf(i.value) >= 0
    }),
  )
}

// order returns the options' codes as they stand: turned by the response's id.
export function order(): Answers {
  const a: Answers = {}
  questions.forEach((q) => (a[q.id] = q.inputs.filter((i) => !typed(i)).map((i) => i.value)))
  return a
}

// turn puts the options into the order they had on the page that the draft was
// begun on: another page has them as another response's id turns them.
export function turn(codes: Answers): void {
  questions.forEach((q) => (codes[q.id] as string[]).forEach((code) => q.inputs.forEach((i) => i.value == code && q.box.appendChild(i.parentElement!))))
}

// settle makes a choice just made agree with the others of its question: one
// that excludes others unchecks them, and the other way round; when no more may
// be chosen, the rest cannot be.
export function settle(q: Asked, changed: EventTarget | null | undefined): void {
  if (q.type != 'multiple') return
  const alone = (i: HTMLInputElement): unknown => q.options![q.inputs.indexOf(i)]!.exclusive
  const now = q.inputs.filter((i) => i == changed && i.checked)[0]
  if (now) q.inputs.forEach((i) => (i.checked = i == now || (i.checked && !alone(i) && !alone(now))))
  const full = q.inputs.filter((i) => i.checked).length >= (q.max || 99)
  q.inputs.forEach((i) => (i.disabled = full && !i.checked && !alone(i)))
}

// show hides what is not asked and says how far the resident has got.
export function show(): void {
  const a = asked()
  const ids = Object.keys(a)
  const total = ids.length
  const done = ids.filter((id) => [a[id]].join()).length
  const bar = byId('progress')
  questions.forEach((q) => q.box.classList.toggle('on', q.id in a))
  bar.setAttribute('aria-valuemax', total + '')
  bar.setAttribute('aria-valuenow', done + '')
  bar.lastChild!.textContent = say('progress', { done, total })
  ;(bar.firstChild as HTMLElement).style.width = (100 * done) / total + '%'
}
