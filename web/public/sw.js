/*
 * Opens the pages without a signal: the application's own files and nothing else. No case, photo or answer is ever kept here;
 * what a worker needs without a signal the page keeps itself, and forgets when somebody signs out.
 *
 * Pages are asked for from the network first, so a new version is there as soon as there is a signal; files below /assets/ carry
 * a hash in their name and never change.
 */
const SHELL = 'gridwarden-shell-1'

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.add('/')).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  )
})

// The files a page loaded before this worker was there.
self.addEventListener('message', (event) => {
  const files = (event.data?.files ?? []).filter(ours)
  event.waitUntil(caches.open(SHELL).then((cache) => Promise.all(files.map((file) => cache.match(file).then((held) => held ?? cache.add(file).catch(() => undefined))))))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET') return
  if (request.mode === 'navigate') event.respondWith(page(request))
  else if (ours(request.url)) event.respondWith(file(request))
})

function ours(url) {
  const { origin, pathname } = new URL(url, self.location.href)
  return origin === self.location.origin && pathname.startsWith('/assets/')
}

async function page(request) {
  try {
    const answer = await fetch(request)
    if (answer.ok && answer.headers.get('content-type')?.startsWith('text/html')) await (await caches.open(SHELL)).put('/', answer.clone())
    return answer
  } catch {
    return (await caches.match('/')) ?? Response.error()
  }
}

async function file(request) {
  const held = await caches.match(request)
  if (held) return held
  const answer = await fetch(request)
  if (answer.ok) await (await caches.open(SHELL)).put(request, answer.clone())
  return answer
}

// A message for whoever is signed in here; its words carry a case's number, never anything of a reporter.
self.addEventListener('push', (event) => {
  let letter = {}
  try {
    letter = event.data?.json() ?? {}
  } catch {
    // Not ours, or cut short: the page tells what there is.
  }
  const shown = self.registration.showNotification(letter.title || '网格卫士', { body: letter.body || '', tag: letter.id, icon: '/assets/favicon.svg', data: { url: letter.url || '/field' } })
  event.waitUntil(shown)
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  // Only our own pages are opened, whatever a message says.
  const { pathname, search } = new URL(event.notification.data?.url || '/field', self.location.origin)
  const target = pathname + search
  event.waitUntil(
    self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(([open]) => (open ? open.navigate(target).then((page) => page?.focus()) : self.clients.openWindow(target))),
  )
})
