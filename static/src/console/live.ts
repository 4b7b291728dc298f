// Follows the events that tell of newer figures and brings them into the page.
import { morph } from './morph'

// At most so often, in milliseconds: newer figures are fetched; they are read out.
const FETCH = 600
const SAY = 30000

export function follow(main: HTMLElement, events: string): void {
  const announce = document.getElementById('announce')
  let wanted = '' // the newest run that we know of
  let busy = false
  let fetched = 0
  let said = Date.now()

  const say = (key: 'updated' | 'lost', always: boolean): void => {
    if (!announce || (!always && Date.now() - said < SAY)) return
    said = Date.now()
    announce.textContent = announce.dataset[key] || ''
  }

  const refresh = (): void => {
    if (busy || document.hidden || !wanted || wanted === main.getAttribute('data-run')) return
    const wait = fetched + FETCH - Date.now()
    busy = true
    setTimeout(() => {
      const asked = wanted
      fetched = Date.now()
      fetch(location.href, { headers: { 'X-Fragment': '1', Accept: 'text/html' }, credentials: 'same-origin', cache: 'no-store' })
        .then((response) => {
          // Signed out, or the place is gone: let the server say so on a page.
          if (!response.headers.get('X-Fragment')) {
            if (response.redirected || response.status < 500) location.reload()
            throw new Error(String(response.status))
          }
          return response.text()
        })
        .then((html) => {
          const next = new DOMParser().parseFromString(html, 'text/html').getElementById('main')
          if (!next) return
          morph(main, next)
          main.classList.remove('stale')
          say('updated', false)
          busy = false
          if (wanted !== asked) refresh()
        })
        .catch(() => {
          busy = false
          lost()
          setTimeout(refresh, 2000)
        })
    }, Math.max(0, wait))
  }

  let silent = 0
  const lost = (): void => {
    if (main.classList.contains('stale')) return
    main.classList.add('stale')
    say('lost', true)
  }

  // A page that nobody looks at gives its connection back: browsers keep six to a
  // server for all their tabs.
  let source: EventSource | undefined
  const listen = (): void => {
    clearTimeout(silent)
    if (source) source.close()
    source = undefined
    if (document.hidden) return
    source = new EventSource(events)
    source.addEventListener('run', (e) => {
      clearTimeout(silent)
      wanted = (e as MessageEvent).data
      if (wanted === main.getAttribute('data-run')) main.classList.remove('stale')
      refresh()
    })
    source.onerror = () => {
      clearTimeout(silent)
      if (!main.classList.contains('stale')) silent = window.setTimeout(lost, 5000)
      // A refusal ends the stream for good; anything else the browser retries.
      if (source && source.readyState === EventSource.CLOSED) {
        lost()
        silent = window.setTimeout(listen, 5000)
      }
    }
  }
  listen()
  document.addEventListener('visibilitychange', listen)
}
