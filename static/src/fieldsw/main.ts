// The service worker of the worker's page: the page and its files from the phone,
// whatever the network does. What the API says is never kept here.

interface Assets {
  version: string
  page: string
  files: string[]
}

interface Extendable extends Event {
  waitUntil(p: Promise<unknown>): void
}

interface Fetching extends Extendable {
  request: Request
  respondWith(r: Promise<Response>): void
}

interface Scope {
  assets: Assets // written before this script by the server
  location: Location
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
  addEventListener(type: 'install' | 'activate', f: (e: Extendable) => void): void
  addEventListener(type: 'fetch', f: (e: Fetching) => void): void
}

const worker = self as unknown as Scope
const { version, page, files } = worker.assets
const prefix = 'chengyin-field-'
const name = prefix + version

worker.addEventListener('install', (e) => {
  const fresh = [page].concat(files).map((url) => new Request(url, { cache: 'reload', credentials: 'omit' }))
  e.waitUntil(
    caches
      .open(name)
      .then((c) => c.addAll(fresh)) // all of it, or this version is not installed
      .then(() => worker.skipWaiting()),
  )
})

worker.addEventListener('activate', (e) => {
  e.waitUntil(
    caches
      .keys()
      .then((all) => Promise.all(all.filter((n) => n.indexOf(prefix) == 0 && n != name).map((n) => caches.delete(n))))
      .then(() => worker.clients.claim()),
  )
})

worker.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method != 'GET' || url.origin != worker.location.origin) return
  const wanted = e.request.mode == 'navigate' ? (url.pathname == page ? page : '') : files.indexOf(url.pathname) >= 0 ? url.pathname : ''
  if (!wanted) return
  e.respondWith(
    caches
      .open(name)
      .then((c) => c.match(wanted, { ignoreVary: true }))
      .then((kept) => kept || fetch(e.request)), // the phone may have cleared it
  )
})

export {}
