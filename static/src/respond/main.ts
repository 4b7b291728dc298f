// The resident's page with a script: answers wait on the phone until their
// receipt is there. Without it the same page is a plain form.
import { asked, order, read, settle, show, turn, write } from './answers'
import { type Draft, device, load, save } from './draft'
import { form, questions } from './page'
import { ease, judge, lead, summary } from './problems'
import { send } from './send'
import { speak } from './speak'

const own = form.elements as unknown as { [name: string]: HTMLInputElement }

const posted = !summary.hidden // the page came back with the answers in it
const kept = posted ? undefined : load()
const draft: Draft = kept || { id: own.id!.value, ticket: own.ticket!.value, started: new Date().toISOString(), answers: {}, order: order() }

function changed(e?: Event): void {
  questions.forEach((q) => settle(q, e && e.target))
  show()
}

function resume(): void {
  if (draft.sent) send(draft)
}

if (kept) {
  own.id!.value = draft.id
  own.ticket!.value = draft.ticket
  turn(draft.order)
  write(draft.answers)
}
speak()
changed()
if (posted) lead()

form.onchange = form.oninput = (e: Event) => {
  changed(e)
  ease()
  draft.answers = read()
  if (form.querySelector('.stop :checked')) {
    save() // too young: the server has the page for that, and nothing stays here
    form.submit()
  } else save(draft)
}
form.onsubmit = (e) => {
  e.preventDefault()
  if (!draft.sent && judge()) {
    draft.sent = JSON.stringify({
      id: draft.id,
      ticket: draft.ticket,
      lang: document.documentElement.lang.slice(0, 2),
      via: 'page',
      started_at: draft.started,
      answers: asked(),
      device: device(),
      household: own.household && own.household.value,
    })
  }
  resume()
}
window.ononline = document.onvisibilitychange = resume
window.onpageshow = (e) => {
  // Back from the page's cache: what was sent meanwhile is gone from the phone.
  if (e.persisted && draft.sent && !load()) location.reload()
}
window.onerror = null // from here on the page can do without its plain form
resume()
