import type { Question } from '../engine'

// Asked is a question and where it stands in the page.
export interface Asked extends Question {
  box: HTMLElement
  inputs: HTMLInputElement[]
  title: string
  control: HTMLElement // what says to a screen reader that the answer is wrong
  error: HTMLElement
}

export const byId = (id: string): HTMLElement => document.getElementById(id)!

// data is what the script needs and cannot read off the page, for every byte is
// waited for: conditions and limits by question, and words.
const data: { more: { [id: string]: object }; words: { [key: string]: string } } = JSON.parse(byId('data').textContent!)

export const form = byId('form') as HTMLFormElement

// The form goes to /q/CODE?LOOK.
export const [, code, look] = /q\/(\w+)(.*)/.exec(form.action)!

// say returns the words of a key with {name} replaced by args.
export const say = (key: string, args?: { [name: string]: unknown }): string =>
  (data.words[key] || key).replace(/{(\w+)}/g, (_, name: string) => args![name] + '')

export const element = (tag: string, text: string, parent: Element, before: Element | null = null): HTMLElement => {
  const e = document.createElement(tag)
  e.textContent = text
  return parent.insertBefore(e, before)
}

const types: { [type: string]: string } = { radio: 'single', checkbox: 'multiple', textarea: 'text', text: 'number' }

export const questions = [...(document.querySelectorAll('.q') as unknown as HTMLElement[])].map((box): Asked => {
  const inputs = [...(box.querySelectorAll('[name]') as unknown as HTMLInputElement[])]
  const first = inputs[0]!
  const id = first.name
  const type = types[first.type]!
  const options = inputs.map((i) => ({ code: i.value, exclusive: /alone/.test(i.parentElement!.className) }))
  const control = type == 'single' ? box : first
  const error = byId('e-' + id) || element('p', '', box, box.children[1])
  error.id = 'e-' + id
  error.className = 'error'
  control.setAttribute('aria-describedby', (control.getAttribute('aria-describedby') || '') + ' e-' + id)
  const title = box.firstElementChild!.firstChild!.textContent!
  return Object.assign({ id, type, options, box, inputs, control, error, title, required: !/optional/.test(box.className) }, data.more[id])
})

export const definition = { questions }
