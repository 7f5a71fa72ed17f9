/** Messages that brought somebody here: the one whose link was opened counts as read; and messages to this browser, if wanted. */
import { ref, watch } from 'vue'

import { MarkReadDocument, PushKeyDocument, SubscribePushDocument, UnsubscribePushDocument } from './gql/graphql'
import { ask } from './graphql'
import { router } from './router'
import { me } from './session'

/** `d` in an address names the message whose link it is. */
export function noteReading(): void {
  async function note(): Promise<void> {
    const id = router.currentRoute.value.query.d
    if (typeof id !== 'string' || !me.value) return
    try {
      await ask(MarkReadDocument, { id })
    } catch {
      return // Read again when the page is opened again; until then the message goes on to the next in line.
    }
    const { d: _read, ...query } = router.currentRoute.value.query
    await router.replace({ ...router.currentRoute.value, query } as never)
  }
  watch([() => router.currentRoute.value.query.d, () => me.value?.id], () => void note(), { immediate: true })
}

export type PushState = 'unknown' | 'impossible' | 'off' | 'on' | 'denied'
export const push = ref<PushState>('unknown')

async function registration(): Promise<ServiceWorkerRegistration | null> {
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) return null
  return (await navigator.serviceWorker.getRegistration()) ?? null
}

export async function lookAtPush(): Promise<void> {
  const held = await registration()
  if (!held) push.value = 'impossible'
  else if (Notification.permission === 'denied') push.value = 'denied'
  else push.value = (await held.pushManager.getSubscription()) ? 'on' : 'off'
}

/** Ask the browser and tell the server; throws what either refuses. */
export async function switchPush(on: boolean): Promise<void> {
  const held = await registration()
  if (!held) return
  const known = await held.pushManager.getSubscription()
  if (!on) {
    if (known) await ask(UnsubscribePushDocument, { url: known.endpoint })
    await known?.unsubscribe()
  } else if ((await Notification.requestPermission()) === 'granted') {
    const { vapidKey } = await ask(PushKeyDocument, {})
    const made = known ?? (await held.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidKey }))
    const keys = made.toJSON().keys ?? {}
    await ask(SubscribePushDocument, { input: { url: made.endpoint, p256dh: keys.p256dh ?? '', auth: keys.auth ?? '', label: navigator.userAgent.slice(0, 60) } })
  }
  await lookAtPush()
}
