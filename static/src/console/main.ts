// Keeps the board's figures current. The page is whole without this script: it
// then reloads itself every ten seconds.
import { follow } from './live'
import { offerPlaces } from './places'

const main = document.getElementById('main')
const events = main && main.getAttribute('data-events')
if (main && events) follow(main, events)

document.querySelectorAll<HTMLInputElement>('input[data-places]').forEach(offerPlaces)

document.querySelectorAll<HTMLButtonElement>('[data-print]').forEach((button) => {
  button.hidden = false
  button.onclick = () => window.print()
})

// Paper has no way to open what is folded.
const folded: HTMLDetailsElement[] = []
window.addEventListener('beforeprint', () => {
  document.querySelectorAll<HTMLDetailsElement>('#method:not([open])').forEach((d) => {
    d.open = true
    folded.push(d)
  })
})
window.addEventListener('afterprint', () => {
  folded.splice(0).forEach((d) => (d.open = false))
})

// A menu closes when the reader goes elsewhere.
document.addEventListener('click', (e) => {
  document.querySelectorAll<HTMLDetailsElement>('details.menu[open]').forEach((d) => {
    if (!d.contains(e.target as Node)) d.open = false
  })
})
