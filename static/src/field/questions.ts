// The questions of an interview, as the resident's page draws them.
import { type Answers, type Problem, check, optionsFor, visible } from '../engine'
import { h, sayIn, textIn } from './page'
import type { AskedQuestion, Questionnaire } from './types'

interface Drawn {
  q: AskedQuestion
  box: HTMLElement
  inputs: (HTMLInputElement | HTMLTextAreaElement)[]
  error: HTMLElement
  control: HTMLElement
}

// Sheet is a questionnaire on the screen.
export interface Sheet {
  element: HTMLElement
  answers(): Answers // of the questions that are asked
  stopped(): boolean // whoever answers must not be asked
  share(): number // of the questions asked, how many are answered
  wrong(): boolean // tells what is wrong, and whether anything is
}

const typed = (i: HTMLInputElement | HTMLTextAreaElement): boolean => /text/.test(i.type)

// draw shows a questionnaire with answers, in a language; seed turns the options.
export function draw(d: Questionnaire, seed: string, lang: string, from: Answers, changed: (a: Answers) => void): Sheet {
  const drawn: Drawn[] = []
  const summary = h('div', { class: 'card bad', role: 'alert', tabindex: '-1', hidden: true })
  const bar = h('i')
  const count = h('b')
  const progress = h('div', { class: 'progress', role: 'progressbar', 'aria-label': sayIn(lang, 'phone.progress_name') }, bar, count)
  const element = h('div', { class: 'sheet', lang: lang == 'zh' ? 'zh-CN' : 'en' }, summary, progress)

  let section = ''
  d.questions.forEach((q) => {
    if (q.section != section) {
      section = q.section
      const s = (d.sections || []).filter((s) => s.id == section)[0]
      if (s) element.appendChild(h('h2', null, textIn(s.title, lang)))
    }
    const one = drawOne(q, seed, lang, from[q.id])
    drawn.push(one)
    element.appendChild(one.box)
  })

  function read(): Answers {
    const a: Answers = {}
    drawn.forEach(({ q, inputs }) => {
      const values = inputs.filter((i) => typed(i) || (i as HTMLInputElement).checked).map((i) => i.value.trim())
      const number = (values[0] || '').normalize('NFKC')
      a[q.id] = q.type == 'multiple' ? values : q.type == 'number' && /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(number) ? +number : values[0]
    })
    return a
  }

  function answers(): Answers {
    const all = read()
    const a: Answers = {}
    visible(d, all).forEach((id) => {
      const v = all[id]
      if (v !== undefined && v !== '' && !(Array.isArray(v) && !v.length)) a[id] = v
    })
    return a
  }

  function show(): void {
    const ids = visible(d, read())
    const done = Object.keys(answers()).length
    drawn.forEach((o) => (o.box.hidden = ids.indexOf(o.q.id) < 0))
    progress.setAttribute('aria-valuemax', String(ids.length))
    progress.setAttribute('aria-valuenow', String(done))
    count.textContent = sayIn(lang, 'phone.progress', { done, total: ids.length })
    bar.style.width = (100 * done) / ids.length + '%'
  }

  function tell(problems: Problem[]): void {
    summary.textContent = ''
    summary.hidden = !problems.length
    summary.appendChild(h('h2', null, sayIn(lang, 'phone.errors', { n: problems.length })))
    drawn.forEach((o) => {
      const p = problems.filter((p) => p.path == o.q.id)[0]
      o.box.classList.toggle('bad', !!p)
      o.control.setAttribute('aria-invalid', String(!!p))
      o.error.textContent = p ? sayIn(lang, 'field.' + p.code, p.args) : ''
      if (!p) return
      summary.appendChild(
        action(textIn(o.q.text, lang), () => {
          o.box.scrollIntoView({ block: 'start' })
          o.inputs[0]!.focus()
        }),
      )
    })
  }

  element.addEventListener('input', react)
  element.addEventListener('change', react)
  function react(e: Event): void {
    const o = drawn.filter((o) => o.inputs.indexOf(e.target as HTMLInputElement) >= 0)[0]
    if (o) settle(o, e.target)
    show()
    if (!summary.hidden) tell(problems().filter((p) => drawn.some((o) => o.q.id == p.path && o.error.textContent)))
    changed(answers())
  }

  const problems = (): Problem[] => check(d, read()).filter((p) => p.code != 'not_asked')

  drawn.forEach((o) => settle(o))
  show()
  return {
    element,
    answers,
    stopped: () => drawn.some(({ q, inputs }) => inputs.some((i) => (i as HTMLInputElement).checked && (q.options || []).some((o) => o.code == i.value && o.stop))),
    share: () => Object.keys(answers()).length / Math.max(1, visible(d, read()).length),
    wrong: () => {
      const list = problems()
      tell(list)
      if (list.length) {
        summary.focus()
        summary.scrollIntoView()
      }
      return list.length > 0
    },
  }
}

function action(words: string, does: () => void): HTMLElement {
  const b = h('button', { type: 'button', class: 'plain' }, words)
  b.onclick = does
  return b
}

function drawOne(q: AskedQuestion, seed: string, lang: string, value: unknown): Drawn {
  const id = 'q-' + q.id
  const hint = q.hint ? textIn(q.hint, lang) : q.type == 'multiple' && q.max != null ? sayIn(lang, 'phone.choose_up_to', { max: q.max }) : ''
  const hinted = hint ? h('p', { class: 'hint', id: id + '-h' }, hint) : null
  const error = h('p', { class: 'error', id: id + '-e' })
  const optional = q.required ? null : h('i', null, ' ' + sayIn(lang, 'phone.optional'))
  const described = (hint ? id + '-h ' : '') + id + '-e'
  if (q.options && q.options.length) {
    const chosen = ([] as unknown[]).concat(value as never)
    const inputs: HTMLInputElement[] = []
    const many = q.type == 'multiple'
    const labels = optionsFor(q, seed).map((o) => {
      const i = h('input', { type: many ? 'checkbox' : 'radio', name: q.id, value: o.code, checked: chosen.indexOf(o.code) >= 0 })
      inputs.push(i)
      return h('label', { class: 'choice' + (o.dk ? ' dk' : '') }, i, h('span', null, textIn(o.text, lang)))
    })
    const box = h('fieldset', { class: 'card q', id, role: many ? null : 'radiogroup', 'aria-describedby': described, 'aria-required': !many && q.required ? 'true' : null }, h('legend', { class: 'text' }, textIn(q.text, lang), optional), hinted, error, labels)
    return { q, box, inputs, error, control: many ? inputs[0]! : box }
  }
  const attrs = { class: 'box', id: id + '-i', name: q.id, 'aria-describedby': described, 'aria-required': q.required ? 'true' : null }
  const field = q.type == 'number' ? h('input', Object.assign({ type: 'text', inputmode: q.integer ? 'numeric' : 'decimal' }, attrs)) : h('textarea', Object.assign({ rows: 3 }, attrs))
  if (value != null) field.value = String(value)
  const box = h('div', { class: 'card q', id }, h('label', { class: 'text', for: id + '-i' }, textIn(q.text, lang), optional), hinted, error, field)
  return { q, box, inputs: [field], error, control: field }
}

// settle makes a choice agree with the others of its question: one that excludes
// others unchecks them, and when no more may be chosen, the rest cannot be.
function settle(o: Drawn, changed?: EventTarget | null): void {
  if (o.q.type != 'multiple') return
  const inputs = o.inputs as HTMLInputElement[]
  const alone = (i: HTMLInputElement): boolean => !!(o.q.options || []).filter((x) => x.code == i.value)[0]!.exclusive
  const now = inputs.filter((i) => i == changed && i.checked)[0]
  if (now) inputs.forEach((i) => (i.checked = i == now || (i.checked && !alone(i) && !alone(now))))
  const isFull = inputs.filter((i) => i.checked).length >= (o.q.max || 99)
  inputs.forEach((i) => (i.disabled = isFull && !i.checked && !alone(i)))
}
