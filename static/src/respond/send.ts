import { type Draft, save } from './draft'
import { byId, code, form, look, say } from './page'

const status = byId('status')
const button = byId('send') as HTMLButtonElement

let busy = false // a request is under way
let timer = 0
let tries = 0

// lock keeps answers as they are while they are on their way.
const lock = (on: boolean): void => [...form.elements].forEach((e) => ((e as HTMLInputElement).disabled = on))

// send brings the draft to the server, however long it takes. What has been
// sent once stays as it is: the id belongs to these answers.
//
// Only a receipt means that they have arrived: the sign-in page of a public
// network answers 200, too. When the server refuses them, they are posted as
// a form, for which it has the words and the page, with all answers in it.
// Anything else is bad luck, and tried again after 1, 2, 4 … seconds, 64
// at most, each more or less, so that phones that failed together do not come
// back together.
export function send(d: Draft): void {
  if (busy) return
  busy = true
  clearTimeout(timer)
  const kept = save(d)
  lock(true)
  status.textContent = say('sending')
  const x = new XMLHttpRequest()
  x.open('POST', '/api/v1/collectors/' + code + '/responses')
  x.setRequestHeader('Content-Type', 'application/json')
  x.timeout = 20e3
  x.onloadend = () => {
    let reply: { receipt?: string; code?: string } = {}
    try {
      reply = JSON.parse(x.responseText) || reply
    } catch (e) {
      // not from our server
    }
    if (reply.receipt && x.status < 300) {
      save() // and busy for good: leaving the page is no reason to send again
      location.replace('/r/' + reply.receipt + look)
    } else if (reply.code && /4(0[^8]|1|22)/.test(x.status + '')) {
      busy = false
      delete d.sent
      save(x.status == 409 ? undefined : d) // of a conflict, the server keeps these answers, too
      lock(false)
      form.submit()
    } else {
      busy = false
      status.textContent = say('retry') + (kept ? say('kept') : '')
      button.textContent = say('retry_now')
      button.disabled = false
      timer = setTimeout(send, (1e3 << Math.min(tries++, 6)) * (0.5 + Math.random()), d)
    }
  }
  x.send(d.sent)
}
