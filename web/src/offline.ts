/** Lets the pages open without a signal, where the browser allows it (an address with HTTPS, or this machine). */
import { router } from './router'

export async function keepOpenable(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('/sw.js')
    const { active } = await navigator.serviceWorker.ready
    const tell = () => active?.postMessage({ files: performance.getEntriesByType('resource').map(({ name }) => name) })
    tell()
    router.afterEach(() => setTimeout(tell, 2_000))
  } catch {
    // A private window or a strict policy: the pages work as long as there is a signal.
  }
}
