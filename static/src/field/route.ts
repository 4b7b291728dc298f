// Moving between views, and saying what went wrong. The views are put together in
// main.ts; this module is what they need of it.
import { exported, app } from './app'
import { full } from './idb'
import { action, h, say } from './page'

let renderer: () => Promise<void> = () => Promise.resolve()

export function useRenderer(f: () => Promise<void>): void {
  renderer = f
}

export const render = (): Promise<void> => renderer()

// go changes the view; the browser's back key undoes it.
export function go(to: string): void {
  if (location.hash != '#' + to) location.hash = to
}

// guarded makes work tell when it could not be done, and stay where it is.
export function guarded(work: () => unknown): () => Promise<void> {
  return async () => {
    try {
      await work()
      calm()
    } catch (e) {
      trouble(e)
    }
  }
}

const place = (): HTMLElement => document.getElementById('trouble')!

function calm(): void {
  place().textContent = ''
}

// trouble says that something is not stored. What is on the screen stays there.
export function trouble(e: unknown): void {
  const box = place()
  box.textContent = ''
  const full_ = full(e)
  if (!full_) console.error(e)
  box.appendChild(h('div', { class: 'card bad' }, h('h2', null, say(full_ ? 'phone.full' : 'phone.failed')), h('p', null, say(full_ ? 'phone.full_text' : 'phone.failed_text')), full_ ? exportButton() : null))
  box.scrollIntoView()
}

export function exportButton(): HTMLElement {
  return action(say('phone.export'), 'wide', async () => {
    const url = URL.createObjectURL(await exported())
    const a = h('a', { href: url, download: 'chengyin-' + new Date().toISOString().slice(0, 10) + '.json' })
    document.body.appendChild(a)
    a.click()
    a.remove()
    setTimeout(() => URL.revokeObjectURL(url), 60e3)
  }, { id: 'export', 'data-unsaved': app.unsaved ? '1' : null })
}
